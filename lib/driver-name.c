/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver-name.h"

#include <limits.h>
#include <string.h>

gboolean vferry_driver_name_valid(const char *name)
{
	const gsize length = strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-");

	return length > 0 && length <= NAME_MAX && name[length] == '\0' && name[0] != '.';
}
