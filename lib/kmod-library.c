/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kmod-library.h"

#include "error.h"

#include <dlfcn.h>

#define SONAME "libkmod.so.2"

static VferryKmodLibrary library;

/* C has no cast from an object to a function; this is what POSIX says instead. */
#define TAKE(name) (*(void **)&library.name = dlsym(RTLD_DEFAULT, "kmod_" #name))

/* Of the global scope: tests put functions of their own before these. */
static gboolean take_functions(void)
{
	return TAKE(new) && TAKE(unref) && TAKE(set_log_priority) && TAKE(get_dirname) &&
	       TAKE(module_new_from_name) && TAKE(module_unref) && TAKE(module_get_name) &&
	       TAKE(module_get_path) && TAKE(module_get_initstate) &&
	       TAKE(module_probe_insert_module);
}

const VferryKmodLibrary *vferry_kmod_library(GError **error)
{
	static gboolean loaded;

	if (loaded)
		return &library;
	if (!dlopen(SONAME, RTLD_LAZY | RTLD_GLOBAL) || !take_functions()) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "loading kernel modules needs libkmod: %s", dlerror());
		return NULL;
	}
	loaded = TRUE;
	return &library;
}
