/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "module-name.h"

#include <string.h>

gboolean vferry_module_name_valid(const char *name)
{
	const gsize length = strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-");

	return length > 0 && length < VFERRY_MODULE_NAME_SIZE && name[length] == '\0';
}

gboolean vferry_module_name_equal(const char *left, const char *right)
{
	gsize i;

	for (i = 0; left[i] && right[i]; i++)
		if (left[i] != right[i] && !(strchr("-_", left[i]) && strchr("-_", right[i])))
			return FALSE;
	return left[i] == right[i];
}

char *vferry_module_name_normal(const char *name)
{
	return g_strdelimit(g_strdup(name), "-", '_');
}
