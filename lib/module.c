/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "module.h"

#include "driver-name.h"
#include "error.h"
#include "kmod-library.h"
#include "module-name.h"
#include "sysfs.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRIVER_PREFIX "pci:"

typedef struct kmod_ctx KmodContext;
typedef struct kmod_module KmodModule;

/* Loaded before anything of it is used. */
static const VferryKmodLibrary *kmod;

static void context_free(KmodContext *context)
{
	kmod->unref(context);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodContext, context_free)

static void module_free(KmodModule *module)
{
	kmod->module_unref(module);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodModule, module_free)

static gboolean check_name(const char *module, GError **error)
{
	g_autofree char *shown = NULL;

	if (vferry_module_name_valid(module))
		return TRUE;
	shown = g_strescape(module, NULL);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "'%.80s' is no name of a kernel module", shown);
	return FALSE;
}

/* Runs a line "install" of modprobe.d. data: GError **, for the caller of libkmod. */
static int run_install(KmodModule *module, const char *command, void *data)
{
	const char *name = kmod->module_get_name(module);
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	g_auto(GStrv) environment =
		g_environ_setenv(g_get_environ(), "MODPROBE_MODULE", name, TRUE);
	g_autoptr(GError) problem = NULL;
	GError **error = data;
	int status;

	if (g_spawn_sync(NULL, (char **)argv, environment,
			 G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
			 NULL, &status, &problem) &&
	    g_spawn_check_wait_status(status, &problem))
		return 0;
	/* There may be one already, of a module that is only recommended (softdep). */
	g_clear_error(error);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
		    "the install line for module %s in modprobe.d: %s", name, problem->message);
	return -ECANCELED;
}

static gboolean is_loaded(const KmodModule *module)
{
	const int state = kmod->module_get_initstate(module);

	return state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN;
}

/* What to do about an error of the kernel's init_module(2). */
static const char *advice(int number)
{
	switch (number) {
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
		return "it must be signed with a key that the kernel trusts";
	case ENOEXEC:
		return "it must be built for this kernel";
	case ENOENT:
		return "a file or symbol that it needs is missing, run depmod";
	case EPERM:
		return "only root may, and under lockdown only if it is signed";
	default:
		return "see the kernel's log";
	}
}

static void set_load_error(KmodContext *context, KmodModule *module, int number, GError **error)
{
	const char *name = kmod->module_get_name(module);

	if (number == ENOENT && !kmod->module_get_path(module))
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "no module %s in %s: install it and run depmod", name,
			    kmod->get_dirname(context));
	else
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "loading module %s: %s: %s",
			    name, g_strerror(number), advice(number));
}

static gboolean probe(KmodContext *context, KmodModule *module, GError **error)
{
	g_autoptr(GError) refusal = NULL;
	const int ret = kmod->module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST, NULL,
							run_install, &refusal, NULL);

	if (ret == -ECANCELED && refusal) {
		g_propagate_error(error, g_steal_pointer(&refusal));
		return FALSE;
	}
	if (ret < 0) {
		set_load_error(context, module, -ret, error);
		return FALSE;
	}
	if (ret == KMOD_PROBE_APPLY_BLACKLIST) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "module %s is blacklisted in modprobe.d: remove that line to use it",
			    kmod->module_get_name(module));
		return FALSE;
	}
	if (!is_loaded(module)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "the install line for module %s in modprobe.d does not load it",
			    kmod->module_get_name(module));
		return FALSE;
	}
	return TRUE;
}

/* The usual case, known without libkmod. What is compiled in has no such attribute. */
static gboolean is_live(const char *module)
{
	g_autofree char *name = vferry_module_name_normal(module);
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_MODULES, name, NULL);
	g_autofree char *state = vferry_sysfs_read(folder, "initstate", NULL);

	return g_strcmp0(state, "live") == 0;
}

gboolean vferry_module_insert(const char *module, GError **error)
{
	g_autoptr(KmodContext) context = NULL;
	g_autoptr(KmodModule) handle = NULL;
	int ret;

	if (!check_name(module, error))
		return FALSE;
	kmod = vferry_kmod_library(error);
	if (!kmod)
		return FALSE;
	context = kmod->new(NULL, NULL);
	if (!context) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "loading module %s: libkmod cannot start", module);
		return FALSE;
	}
	/* Below its least: what there is to say is in our error. */
	kmod->set_log_priority(context, -1);
	ret = kmod->module_new_from_name(context, module, &handle);
	if (ret < 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "loading module %s: %s",
			    module, g_strerror(-ret));
		return FALSE;
	}
	return probe(context, handle, error);
}

/* Its exit status is that of an error, plus one. */
static VferryError error_of_program(int status)
{
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) - 1 : VFERRY_ERROR_FAILED;

	return code >= VFERRY_ERROR_USAGE && code < VFERRY_ERROR_FAILED ? (VferryError)code :
									 VFERRY_ERROR_FAILED;
}

static gboolean run_program(const char *module, GError **error)
{
	const char *argv[] = { VFERRY_MODPROBE, module, NULL };
	g_autoptr(GError) problem = NULL;
	g_autofree char *words = NULL;
	int status;

	if (!g_spawn_sync("/", (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
			  &words, &status, &problem)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "loading module %s: %s",
			    module, problem->message);
		return FALSE;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	g_strdelimit(g_strchomp(words), "\n", ' ');
	g_set_error(error, VFERRY_ERROR, error_of_program(status), "%s",
		    *words ? words : VFERRY_MODPROBE " was killed");
	return FALSE;
}

gboolean vferry_module_load(const char *module, GError **error)
{
	if (!check_name(module, error))
		return FALSE;
	if (is_live(module))
		return TRUE;
	return access(VFERRY_MODPROBE, X_OK) == 0 ? run_program(module, error) :
						    vferry_module_insert(module, error);
}

static gboolean add_driver(GPtrArray *drivers, const char *module, const char *entry,
			   GError **error)
{
	const char *name = entry + strlen(DRIVER_PREFIX);

	if (!g_str_has_prefix(entry, DRIVER_PREFIX))
		return TRUE;
	if (!vferry_driver_name_valid(name)) {
		g_autofree char *shown = g_strescape(name, NULL);

		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "module %s has a PCI driver of the odd name '%.80s'", module, shown);
		return FALSE;
	}
	g_ptr_array_add(drivers, g_strdup(name));
	return TRUE;
}

static int compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static char **list_drivers(GDir *folder, const char *module, GError **error)
{
	g_autoptr(GPtrArray) drivers = g_ptr_array_new_with_free_func(g_free);
	const char *entry;

	while ((entry = g_dir_read_name(folder)))
		if (!add_driver(drivers, module, entry, error))
			return NULL;
	g_ptr_array_sort(drivers, compare_names);
	g_ptr_array_add(drivers, NULL);
	return (char **)g_ptr_array_steal(drivers, NULL);
}

char **vferry_module_pci_drivers(const char *module, GError **error)
{
	g_autofree char *name = vferry_module_name_normal(module);
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_MODULES, name, NULL);
	g_autofree char *drivers = g_build_filename(folder, "drivers", NULL);
	g_autoptr(GError) problem = NULL;
	g_autoptr(GDir) entries = NULL;

	if (!check_name(module, error))
		return NULL;
	if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "module %s is not loaded", module);
		return NULL;
	}
	entries = g_dir_open(drivers, 0, &problem);
	if (entries)
		return list_drivers(entries, module, error);
	/* A module without any driver has no such folder. */
	if (g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
		return g_new0(char *, 1);
	g_set_error_literal(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, problem->message);
	return NULL;
}

static const char *driver_named_as(char *const *drivers, const char *module)
{
	for (; *drivers; drivers++)
		if (vferry_module_name_equal(*drivers, module))
			return *drivers;
	return NULL;
}

char *vferry_module_driver(const char *module, GError **error)
{
	g_auto(GStrv) drivers = vferry_module_pci_drivers(module, error);
	g_autofree char *names = NULL;
	const char *driver;

	if (!drivers)
		return NULL;
	if (!drivers[0]) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "module %s has no PCI driver", module);
		return NULL;
	}
	driver = drivers[1] ? driver_named_as(drivers, module) : drivers[0];
	if (driver)
		return g_strdup(driver);
	names = g_strjoinv(", ", drivers);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "module %s has several PCI drivers and none of its name: %s", module, names);
	return NULL;
}
