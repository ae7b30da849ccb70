/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network-name.h"

#include <string.h>

#define NAME_LENGTH_MAX 63

gboolean vferry_network_name_valid(const char *name)
{
	const gsize length = strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-");

	return length > 0 && length <= NAME_LENGTH_MAX && name[length] == '\0';
}
