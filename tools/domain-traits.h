/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What else in a domain's XML decides whether QEMU lets it migrate with VFIO devices. */
#ifndef VFERRY_DOMAIN_TRAITS_H
#define VFERRY_DOMAIN_TRAITS_H

#include <glib.h>

/**
 * DomainTraits - see above
 * @viommu: the guest has an IOMMU
 * @post_copy: QEMU's command line switches post-copy on
 * @migration_off: QEMU's command line or an override says enable-migration=off
 * @machine: machine type, NULL where there is none
 * @other_vfio: devices of the host that are passed through and are no PCI <hostdev>
 * @memory_kib: largest memory of the guest, KiB; 0 where it is not said
 */
typedef struct {
	gboolean viommu;
	gboolean post_copy;
	gboolean migration_off;
	char *machine;
	guint other_vfio;
	guint64 memory_kib;
} DomainTraits;

void domain_traits_clear(DomainTraits *traits);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DomainTraits, domain_traits_clear)

/**
 * domain_traits_parse() - read them
 * @text: <domain>, as libvirt formats it: memory is in KiB
 *
 * Return: FALSE with VFERRY_ERROR_INVALID.
 */
gboolean domain_traits_parse(const char *text, DomainTraits *ret, GError **error);

#endif
