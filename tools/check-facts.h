/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `vferry check` knows before it judges. */
#ifndef VFERRY_CHECK_FACTS_H
#define VFERRY_CHECK_FACTS_H

#include "domain-traits.h"
#include "libvirt-version.h"
#include "node-device.h"
#include "vfio-features.h"

/**
 * CheckDevice - a PCI device of the host that the domain has, or will get
 * @pool: libvirt network that gives the domain a VF, on each host another; NULL for none
 * @has_address: the domain has a function now; not so only with @pool
 * @address: that function
 * @managed: libvirt binds its driver
 * @present: it is there
 * @is_vf: it is a VF
 * @is_vfio: its driver offers it through VFIO
 * @vendor: PCI vendor ID of a VF
 * @device: PCI device ID of a VF
 * @driver: the kernel's driver that has it, NULL for none
 * @best: the driver that suits it best, loaded or not; NULL where that is not known
 * @features: what it offers
 * @devlink: whether devlink lets it migrate; unknown where its PF has no such switch
 * @network: physical network of its PF, NULL if unknown
 * @said_network: the one that the domain's metadata say, NULL if none
 * @pf_interface: its PF's network interface, NULL for none
 * @pf_up: whether that is up
 * @left_behind: what the PF has set for it and the domain does not say, as text;
 *	NULL for nothing
 */
typedef struct {
	char *pool;
	gboolean has_address;
	VferryAddress address;
	gboolean managed;
	gboolean present;
	gboolean is_vf;
	gboolean is_vfio;
	guint16 vendor;
	guint16 device;
	char *driver;
	char *best;
	VfioFeatures features;
	Answer devlink;
	char *network;
	char *said_network;
	char *pf_interface;
	Answer pf_up;
	char *left_behind;
} CheckDevice;

/**
 * CheckHere - this host and the domain
 * @name: the domain's
 * @uuid: the domain's
 * @active: it runs
 * @devices: CheckDevice
 * @traits: what else its XML says
 * @orchestrator: who made it, NULL for nobody known
 * @asked_qemu: QEMU was asked what blocks a migration
 * @blockers: what QEMU answered; NULL-terminated, never NULL with @asked_qemu
 * @qemu: version of the QEMU that libvirt would start; 0 unknown
 * @libvirt: version
 * @host_uuid: libvirt's name of this host, or NULL
 */
typedef struct {
	char *name;
	char *uuid;
	gboolean active;
	GPtrArray *devices;
	DomainTraits traits;
	const char *orchestrator;
	gboolean asked_qemu;
	char **blockers;
	gulong qemu;
	gulong libvirt;
	char *host_uuid;
} CheckHere;

/**
 * CheckFunction - a PCI function of the other host
 * @user: name of the domain that has it there, NULL for none
 */
typedef struct {
	NodeDevice *device;
	char *user;
} CheckFunction;

/**
 * CheckThere - the other host
 * @uri: libvirt's URI
 * @functions: CheckFunction: its VFs, by address
 * @interfaces: NodeDevice: its network interfaces
 * @pools: names of its active libvirt networks that give out devices
 * @apparmor: AppArmor confines guests there
 * @same_uuid_active: a domain of the same UUID runs there
 * @name_taken: another domain there has the name
 * @free_kib: free memory, KiB; 0 unknown
 * @qemu, @libvirt, @host_uuid: as in CheckHere
 */
typedef struct {
	char *uri;
	GPtrArray *functions;
	GPtrArray *interfaces;
	GPtrArray *pools;
	gboolean apparmor;
	gboolean same_uuid_active;
	gboolean name_taken;
	guint64 free_kib;
	gulong qemu;
	gulong libvirt;
	char *host_uuid;
} CheckThere;

CheckDevice *check_device_new(GPtrArray *devices);
CheckHere *check_here_new(void);
void check_here_free(CheckHere *here);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckHere, check_here_free)

void check_function_free(CheckFunction *function);
CheckThere *check_there_new(const char *uri);
void check_there_free(CheckThere *there);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CheckThere, check_there_free)

#endif
