/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkmod, loaded when the first kernel module has to be. Together with what it is linked
 * with (OpenSSL, compression) it takes 2.5 ms to load, twice as long as a process; and
 * mostly all modules are in the kernel.
 */
#ifndef VFERRY_KMOD_LIBRARY_H
#define VFERRY_KMOD_LIBRARY_H

#include <glib.h>
#include <libkmod.h>

/* Its functions, under the names that they have after "kmod_". */
typedef struct {
	__typeof__(kmod_new) *new;
	__typeof__(kmod_unref) *unref;
	__typeof__(kmod_set_log_priority) *set_log_priority;
	__typeof__(kmod_get_dirname) *get_dirname;
	__typeof__(kmod_module_new_from_name) *module_new_from_name;
	__typeof__(kmod_module_unref) *module_unref;
	__typeof__(kmod_module_get_name) *module_get_name;
	__typeof__(kmod_module_get_path) *module_get_path;
	__typeof__(kmod_module_get_initstate) *module_get_initstate;
	__typeof__(kmod_module_probe_insert_module) *module_probe_insert_module;
} VferryKmodLibrary;

/**
 * vferry_kmod_library() - load it
 *
 * One thread at a time.
 *
 * Return: the functions; NULL with VFERRY_ERROR_FAILED where there is no libkmod 2.
 */
const VferryKmodLibrary *vferry_kmod_library(GError **error);

#endif
