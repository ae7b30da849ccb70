/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of physical networks, as vferry.conf(5) and <vferry:vf network=/> say them. */
#ifndef VFERRY_NETWORK_NAME_H
#define VFERRY_NETWORK_NAME_H

#include <glib.h>

/** vferry_network_name_valid() - whether a text is 1 to 63 of A-Z, a-z, 0-9, ".", "_", "-" */
gboolean vferry_network_name_valid(const char *name);

#endif
