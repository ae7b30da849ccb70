/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "choice.h"

#include "driver-name.h"
#include "error.h"
#include "module-name.h"
#include "module.h"
#include "sysfs.h"

/* Whether modules may be loaded: foreseeing a choice changes nothing. */
typedef gboolean MayLoad;

void vferry_choice_clear(VferryChoice *choice)
{
	g_clear_pointer(&choice->driver, g_free);
	g_clear_pointer(&choice->reason, g_free);
}

static char *driver_folder(const char *driver)
{
	return g_build_filename(VFERRY_SYSFS_PCI_DRIVERS, driver, NULL);
}

static gboolean is_registered(const char *driver)
{
	g_autofree char *folder = driver_folder(driver);

	return g_file_test(folder, G_FILE_TEST_IS_DIR);
}

/* The driver of a module; the module's own name where it is not there and may not be loaded. */
static char *driver_of_module(const char *module, MayLoad may_load, GError **error)
{
	char *driver;

	if (!may_load) {
		driver = vferry_module_driver(module, NULL);
		return driver ? driver : g_strdup(module);
	}
	return vferry_module_load(module, error) ? vferry_module_driver(module, error) : NULL;
}

/* A driver by its name, or by that of its module: "xe_vfio_pci" has "xe-vfio-pci". */
static char *find_named(const char *name, MayLoad may_load, GError **error)
{
	if (!vferry_driver_name_valid(name)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "a driver was named that cannot have this name: it has letters, "
			    "digits, '_', '.' and '-'");
		return NULL;
	}
	if (is_registered(name))
		return g_strdup(name);
	if (may_load && !vferry_module_load(name, error)) {
		g_prefix_error(error, "there is no PCI driver %s: ", name);
		return NULL;
	}
	return is_registered(name) ? g_strdup(name) : driver_of_module(name, may_load, error);
}

static gboolean is_candidate_module(const char *module, char *const *candidates)
{
	for (; *candidates; candidates++)
		if (vferry_module_name_equal(*candidates, module))
			return TRUE;
	return FALSE;
}

static gboolean is_candidate(const char *driver, char *const *candidates)
{
	g_autofree char *folder = driver_folder(driver);
	g_autofree char *module = vferry_sysfs_link(folder, "module");

	return is_candidate_module(module ? module : driver, candidates);
}

/* A domain may come from another host: it must not have any module loaded that there is. */
static gboolean check_domains_driver(const char *name, char *const *candidates, GError **error)
{
	if (!vferry_driver_name_valid(name) || is_registered(name) ||
	    is_candidate_module(name, candidates))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
		    "driver %s, which the domain names, is not loaded and no VFIO driver for this "
		    "VF: name another, or load its module by hand", name);
	return FALSE;
}

static gboolean choose_named(const VferryAliases *aliases, const VferryVf *vf, const char *name,
			     gboolean by_domain, MayLoad may_load, VferryChoice *choice,
			     GError **error)
{
	g_auto(GStrv) candidates = vferry_aliases_candidates(aliases, vf->modalias, error);
	gboolean known;

	if (!candidates)
		return FALSE;
	if (by_domain && !check_domains_driver(name, candidates, error))
		return FALSE;
	choice->driver = find_named(name, may_load, error);
	if (!choice->driver)
		return FALSE;
	known = is_candidate(choice->driver, candidates);
	/* Of a domain's driver libvirt expects it, of the administrator's nobody does. */
	choice->needs_vfio = known || by_domain;
	choice->migrates = known && !g_str_equal(choice->driver, VFERRY_FALLBACK_DRIVER);
	if (!choice->migrates)
		choice->reason = g_strdup_printf(
			"driver %s, which the %s names, is no variant driver for %04x:%04x", name,
			by_domain ? "domain" : "configuration", vf->vendor, vf->device);
	return TRUE;
}

static gboolean choose_best(const VferryAliases *aliases, const VferryVf *vf, MayLoad may_load,
			    VferryChoice *choice, GError **error)
{
	const char *best = vferry_aliases_best(aliases, vf->modalias, error);
	g_autoptr(GError) problem = NULL;

	if (!best)
		return FALSE;
	choice->needs_vfio = TRUE;
	if (g_str_equal(best, VFERRY_FALLBACK_MODULE)) {
		choice->reason = g_strdup_printf("this kernel has no variant driver for %04x:%04x",
						 vf->vendor, vf->device);
	} else {
		choice->driver = driver_of_module(best, may_load, &problem);
		choice->migrates = choice->driver != NULL;
		if (problem)
			choice->reason = g_strdup_printf("the variant driver cannot be had: %s",
							 problem->message);
	}
	if (!choice->driver)
		choice->driver = driver_of_module(VFERRY_FALLBACK_MODULE, may_load, error);
	return choice->driver != NULL;
}

static gboolean choose(const VferryAliases *aliases, const VferryVf *vf,
		       const VferryPfConfig *config, const char *named, MayLoad may_load,
		       VferryChoice *ret, GError **error)
{
	g_auto(VferryChoice) choice = { 0 };
	gboolean chosen = TRUE;

	if (named)
		chosen = choose_named(aliases, vf, named, TRUE, may_load, &choice, error);
	else if (config->driver == VFERRY_CONFIG_DRIVER_FORCE)
		chosen = choose_named(aliases, vf, config->driver_name, FALSE, may_load, &choice,
				      error);
	else if (config->driver == VFERRY_CONFIG_DRIVER_AUTO)
		chosen = choose_best(aliases, vf, may_load, &choice, error);
	if (!chosen)
		return FALSE;
	*ret = choice;
	choice = (VferryChoice){ 0 };
	return TRUE;
}

gboolean vferry_choose_driver(const VferryAliases *aliases, const VferryVf *vf,
			      const VferryPfConfig *config, const char *named,
			      VferryChoice *ret, GError **error)
{
	return choose(aliases, vf, config, named, TRUE, ret, error);
}

gboolean vferry_foresee_driver(const VferryAliases *aliases, const VferryVf *vf,
			       const VferryPfConfig *config, const char *named,
			       VferryChoice *ret, GError **error)
{
	return choose(aliases, vf, config, named, FALSE, ret, error);
}
