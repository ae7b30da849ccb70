/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which VFIO driver suits a VF. A variant driver takes a device by
 * driver_override only; its module says which devices it knows in aliases
 * "vfio_pci:v00008086d000010CAsv*sd*bc*sc*i*" (PCI_DRIVER_OVERRIDE_DEVICE_VFIO()
 * in the kernel's linux/pci.h). depmod(8) lists them in modules.alias.
 *
 * The answer is the one of libvirt 10 and later for managed='yes'
 * (virPCIDeviceFindBestVFIOVariant()): what one of the two has bound, the other
 * leaves bound. So a field of an alias matches if it is "*" or exactly the
 * device's. Other patterns never do, not even "i00*", the kernel's way to name a
 * programming interface.
 */
#ifndef VFERRY_ALIAS_H
#define VFERRY_ALIAS_H

#include <glib.h>

typedef struct VferryAliases VferryAliases;

/** vferry_aliases_path() - modules.alias of the running kernel, where libvirt reads it */
char *vferry_aliases_path(void);

/**
 * vferry_aliases_load() - read the aliases of all VFIO drivers
 * @path: a text file in the form of modules.alias, at most 8 MiB as for libvirt
 *
 * A line that is not in the form that depmod writes, or whose module cannot
 * have that name, is left out.
 *
 * Return: NULL with VFERRY_ERROR_NOT_FOUND where there is no such file,
 * VFERRY_ERROR_INVALID where it is too big or no file, VFERRY_ERROR_FAILED
 * where it cannot be read.
 */
VferryAliases *vferry_aliases_load(const char *path, GError **error);

void vferry_aliases_free(VferryAliases *aliases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryAliases, vferry_aliases_free)

/**
 * vferry_aliases_best() - the module whose driver suits a device best
 * @modalias: the device's attribute, "pci:v00008086d000010CAsv...sd...bc..sc..i.."
 *
 * Of the aliases that match, the one with the fewest "*" wins, the first of
 * several such. Where none matches it is VFERRY_FALLBACK_MODULE.
 *
 * Return: its name, which @aliases owns, or NULL with VFERRY_ERROR_INVALID
 * where @modalias is not in the form that the kernel writes.
 */
const char *vferry_aliases_best(const VferryAliases *aliases, const char *modalias,
				GError **error);

/**
 * vferry_aliases_candidates() - every module that knows the device, best first
 *
 * Return: names, each once; the first is vferry_aliases_best(),
 * VFERRY_FALLBACK_MODULE is always among them. Errors as there.
 */
char **vferry_aliases_candidates(const VferryAliases *aliases, const char *modalias,
				 GError **error);

#endif
