/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `vferry list` shows: PFs and their VFs. */
#ifndef VFERRY_LISTING_H
#define VFERRY_LISTING_H

#include "domains.h"
#include "host.h"
#include "identity.h"
#include "migratable.h"

/**
 * ListedUser - which domain has a VF
 * @name: the domain's; NULL where none has it
 * @uuid: the domain's
 * @purpose: as of a claim; "running" where libvirt says so
 */
typedef struct {
	const char *name;
	const char *uuid;
	const char *purpose;
} ListedUser;

/**
 * Listed - a PF or a VF; what is not known, or is not there, is NULL or -1
 * @address: its address
 * @vendor: 16-bit PCI vendor ID
 * @device: 16-bit PCI device ID
 * @driver: of the kernel
 * @best_driver: that suits a VF best
 * @migratable: of a VF
 * @is_judged: @migratable says something
 * @network: physical network of the PF
 * @iommu_group: number
 * @numa_node: number
 * @has_mac: @mac says something
 * @mac: of a VF what the guest has, or will have
 * @interface: name of its network interface on the host
 * @user: of a VF
 */
typedef struct {
	VferryAddress address;
	guint16 vendor;
	guint16 device;
	const char *driver;
	const char *best_driver;
	Migratable migratable;
	gboolean is_judged;
	const char *network;
	int iommu_group;
	int numa_node;
	gboolean has_mac;
	guint8 mac[VFERRY_MAC_SIZE];
	const char *interface;
	ListedUser user;
} Listed;

/**
 * ListedPf - a PF
 * @self: the PF
 * @total_vfs: how many VFs it can have, -1 where that is not known
 * @vfs: Listed, by index
 */
typedef struct {
	Listed self;
	int total_vfs;
	GArray *vfs;
} ListedPf;

/**
 * Listing - a host
 * @pfs: ListedPf, by address
 * @notes: texts, one line each: what is missing, and why
 * @knows_users: libvirt has told which domain has which VF
 * @texts: private
 */
typedef struct {
	GPtrArray *pfs;
	GPtrArray *notes;
	gboolean knows_users;
	GStringChunk *texts;
} Listing;

Listing *listing_new(void);

/** listing_text() - a copy that lives as long as the listing, equal ones once; NULL of NULL */
const char *listing_text(Listing *listing, const char *text);

/** listing_add_pf() - a PF at the end, in which nothing is known */
ListedPf *listing_add_pf(Listing *listing, const VferryAddress *address);

/** listing_add_vf() - a VF at the end of those of @pf, in which nothing is known */
Listed *listing_add_vf(ListedPf *pf, const VferryAddress *address);

/**
 * listing_read_host() - this host, from sysfs, rtnetlink, devlink, claims and configuration
 *
 * Return: NULL with the errors of survey_read().
 */
Listing *listing_read_host(GError **error);

/** listing_add_users() - the domains that libvirt says have VFs; a claim gives way to them */
void listing_add_users(Listing *listing, const Domains *domains);

/**
 * listing_read_libvirt() - what the libvirt of some host can tell
 *
 * Return: NULL with VFERRY_ERROR_FAILED.
 */
Listing *listing_read_libvirt(virConnectPtr connection, GError **error);

/** listing_print_table() - a tree for people, on standard output */
void listing_print_table(const Listing *listing);

/** listing_print_json() - one JSON object on standard output */
void listing_print_json(const Listing *listing);

void listing_free(Listing *listing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listing, listing_free)

#endif
