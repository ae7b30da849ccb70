/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions as libvirt counts its own and QEMU's: 1,000,000 * major + 1,000 * minor + micro. */
#ifndef VFERRY_LIBVIRT_VERSION_H
#define VFERRY_LIBVIRT_VERSION_H

#include <glib.h>

#define VERSION(major, minor) ((gulong)(major) * 1000000 + (gulong)(minor) * 1000)

/* For printf: "libvirt " VERSION_FORMAT, VERSION_ARGUMENTS(libvirt). The micro version is left out. */
#define VERSION_FORMAT "%lu.%lu"
#define VERSION_ARGUMENTS(version) (version) / 1000000, (version) / 1000 % 1000

#endif
