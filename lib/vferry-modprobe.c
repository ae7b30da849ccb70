/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vferry-modprobe MODULE: loads a module by its name and nothing else, so that none of the
 * programs that read configurations and domains may load modules. Run by
 * vferry_module_load().
 */
#include "error.h"
#include "module.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	/* Nothing of the caller counts: libkmod reads MODPROBE_OPTIONS and the like. */
	clearenv();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (argc != 2) {
		g_printerr("usage: vferry-modprobe MODULE\n");
		return VFERRY_ERROR_USAGE + 1;
	}
	if (vferry_module_insert(argv[1], &error))
		return EXIT_SUCCESS;
	g_printerr("%s\n", error->message);
	return error->code + 1;
}
