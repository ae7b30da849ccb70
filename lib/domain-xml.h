/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vferry must know of a libvirt domain's XML, and change in it.
 *
 * The format is libvirt's: https://libvirt.org/formatdomain.html. What counts are
 * elements in no namespace, directly below /domain, as libvirt reads them.
 */
#ifndef VFERRY_DOMAIN_XML_H
#define VFERRY_DOMAIN_XML_H

#include "address.h"
#include "domain-vf.h"

/**
 * VferryDomainDeviceKind - how a domain names a device
 * @VFERRY_DOMAIN_HOSTDEV: <hostdev mode='subsystem' type='pci'>
 * @VFERRY_DOMAIN_INTERFACE: <interface type='hostdev'> with a PCI address
 * @VFERRY_DOMAIN_NETWORK: <interface type='network'>: libvirt takes a VF from the
 * network if that is a pool of VFs, which the domain does not say. Live XML names the
 * VF as VFERRY_DOMAIN_INTERFACE, status files in <actual type='hostdev'>
 */
typedef enum {
	VFERRY_DOMAIN_HOSTDEV,
	VFERRY_DOMAIN_INTERFACE,
	VFERRY_DOMAIN_NETWORK,
} VferryDomainDeviceKind;

/**
 * VferryDomainDevice - a PCI device of the host in a domain, or what may become one
 * @kind: how it is named
 * @position: among the domain's elements of its name, of whatever type, from 0
 * @line: where its start tag ends
 * @managed: libvirt binds and unbinds the driver
 * @failover: one of a pair (<teaming>), which QEMU opens when the guest asks for it
 * @driver_name: <driver name=/>, which libvirt ignores; NULL where there is none
 * @driver_model: <driver model=/>, the kernel's driver (libvirt 10); NULL: libvirt chooses
 * @alias: libvirt's, or the user's, which starts with "ua-"; NULL where there is none
 * @network: the libvirt network; NULL where there is none
 * @has_source: not so only for VFERRY_DOMAIN_NETWORK
 * @source: the host's address
 * @has_guest: the guest's address is known, and on a PCI bus
 * @guest: the guest's address
 * @has_mac: an <interface> names a MAC
 * @mac: that MAC, unicast; libvirt makes up another where it is zero
 * @vlans: guint16, tags of the <interface>, 0..4095; more than one is a trunk
 * @vf: what vferry's metadata says of it; NULL where they say nothing. Owned by the domain
 */
typedef struct {
	VferryDomainDeviceKind kind;
	guint position;
	long line;
	gboolean managed;
	gboolean failover;
	char *driver_name;
	char *driver_model;
	char *alias;
	char *network;
	gboolean has_source;
	VferryAddress source;
	gboolean has_guest;
	VferryAddress guest;
	gboolean has_mac;
	guint8 mac[VFERRY_MAC_SIZE];
	GArray *vlans;
	const VferryDomainVf *vf;

	/*< private >*/
	struct _xmlNode *source_element;
	struct _xmlNode *address_element;
	struct _xmlNode *driver_element;
} VferryDomainDevice;

/**
 * VferryDomain - a domain
 * @uuid: in lower case
 * @name: printable
 * @devices: VferryDomainDevice, in the order of the document
 * @vfs: VferryDomainVf, in the order of the document; those whose device is -1 name
 * none that the domain has, which may be left from a device unplugged
 * @numa_nodes: guint, the host's nodes that the guest's memory is bound to, ascending;
 * empty where it is not bound
 * @orchestrator: "Nova", ... where the metadata say that one made the domain: what it
 * chose is never changed; else NULL
 */
typedef struct {
	char uuid[37];
	char *name;
	GPtrArray *devices;
	GPtrArray *vfs;
	GArray *numa_nodes;
	const char *orchestrator;

	/*< private >*/
	char *text;
	gsize length;
	struct _xmlDoc *doc;
} VferryDomain;

/**
 * VferryDomainChange - what to change of a device
 * @device: index into VferryDomain.devices, of a hostdev or an interface of type hostdev
 * @source: the host's address that it gets; NULL: as it is
 * @driver_model: name of the driver that it gets; NULL: as it is
 */
typedef struct {
	guint device;
	const VferryAddress *source;
	const char *driver_model;
} VferryDomainChange;

/**
 * vferry_domain_parse() - read a domain
 * @text: <domain> in UTF-8; a copy is kept
 * @length: bytes at @text
 *
 * Return: the domain; NULL with VFERRY_ERROR_INVALID, the message of which names
 * the line and nothing that stands there.
 */
VferryDomain *vferry_domain_parse(const char *text, gsize length, GError **error);

/**
 * vferry_domain_parse_bare() - the same without vferry's metadata, whatever is wrong with them
 *
 * Return: as above; @vfs is empty.
 */
VferryDomain *vferry_domain_parse_bare(const char *text, gsize length, GError **error);

/**
 * vferry_domain_change() - the text of the domain with changes
 * @domain: stays as it is
 * @changes: @n of them, each about another device
 * @ret_length: bytes of the text, without the zero byte behind it
 *
 * Only numbers that differ are written, in libvirt's form; every other byte stays.
 *
 * Return: the text, to be freed with g_free(); NULL with VFERRY_ERROR_USAGE where a
 * change names no such device, no driver or a device twice, and
 * VFERRY_ERROR_FAILED where the text would differ in more than the changes.
 */
char *vferry_domain_change(const VferryDomain *domain, const VferryDomainChange *changes,
			   gsize n, gsize *ret_length, GError **error);

void vferry_domain_free(VferryDomain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryDomain, vferry_domain_free)

#endif
