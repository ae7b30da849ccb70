/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migration-hint.h"

#include <glib.h>
#include <string.h>

/* A part of what libvirt or QEMU says, and what it means for a guest with VFs. */
static const struct {
	const char *message;
	const char *hint;
} hints[] = {
	{ "VFIO migration is not supported in kernel",
	  "the VF is on a driver that cannot migrate: vferry check says which, and what to do" },
	{ "VFIO device doesn't support",
	  "the VF's device or kernel lacks something: vferry check says what" },
	{ "Operation not supported",
	  "the kernel may be unable to report dirty pages: see vferry check" },
	{ "vIOMMU", "remove <iommu> from the domain and start it again" },
	{ "postcopy", "VFIO devices cannot migrate with post-copy: switch it off" },
	{ "cannot migrate a domain with <hostdev", "install libvirt 8.6 or later" },
	{ "non-USB host devices", "install libvirt 8.6 or later" },
	{ "Hook script execution failed",
	  "the other host's hook refused: its journal says more (journalctl -t vferry-hook)" },
	{ "in use by driver QEMU",
	  "another guest has that VF there, and no hook chose another: install vferry there" },
	{ "Host key verification failed",
	  "libvirt connects from this host as root: make root's ssh know the other host" },
	{ "Permission denied",
	  "libvirt connects from this host as root: let root log in there by ssh" },
	{ "unable to connect to server",
	  "QEMU could not reach the other host: open TCP 49152 to 49215 there, or name its "
	  "address by --migrate-uri tcp://ADDRESS" },
	{ "End of file while reading data",
	  "libvirt ended there, or the hook refused and nobody said so: the other host's "
	  "journal says more (journalctl -t vferry-hook -t libvirtd -t virtqemud)" },
	{ "error while loading state",
	  "the other host refused the device's state: its kernel log says why" },
	{ "Unable to read from monitor",
	  "QEMU ended: see /var/log/libvirt/qemu/ on both hosts" },
};

const char *migration_hint(const char *message)
{
	for (gsize i = 0; i < G_N_ELEMENTS(hints); i++)
		if (strstr(message, hints[i].message))
			return hints[i].hint;
	return NULL;
}
