/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include "module-name.h"
#include "module.h"

#include <libkmod.h>

#define IOMMU_GROUPS "/sys/kernel/iommu_groups"

typedef struct kmod_ctx KmodContext;
typedef struct kmod_module KmodModule;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodContext, kmod_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodModule, kmod_module_unref)

static void look_at_iommu(Doctor *doctor)
{
	g_autoptr(GDir) groups = g_dir_open(IOMMU_GROUPS, 0, NULL);

	if (groups && g_dir_read_name(groups)) {
		report_add(doctor->report, REPORT_OK, "IOMMU", "it is on");
		return;
	}
	report_add(doctor->report, REPORT_PROBLEM, "IOMMU",
		   "this kernel has no IOMMU group, so no device can be passed to a guest");
	report_advise(doctor->report, "switch on VT-d or AMD-Vi in the firmware; Intel also needs "
		      "intel_iommu=on on the kernel's command line");
}

static void look_at_config(Doctor *doctor)
{
	const Host *host = doctor->host;
	guint configured = 0;

	if (host->config_error) {
		report_add(doctor->report, REPORT_PROBLEM, "configuration", "%s",
			   host->config_error->message);
		report_advise(doctor->report, "until then none of it is used; see vferry.conf(5)");
		return;
	}
	for (guint i = 0; i < doctor->inventory->pfs->len; i++)
		configured += host_pf_config(host, doctor->inventory->pfs->pdata[i])->configured;
	report_add(doctor->report, configured ? REPORT_OK : REPORT_WARNING, "configuration",
		   "it is about %u of this host's %u PFs", configured,
		   doctor->inventory->pfs->len);
	if (!configured)
		report_advise(doctor->report, "name the PFs that vferry shall take care of in "
			      "/etc/vferry/vferry.conf; see vferry.conf(5)");
}

/* Would the module load? Nothing is loaded here. */
static const char *find_obstacle(KmodContext *context, const char *name)
{
	g_autoptr(KmodModule) module = NULL;
	KmodModule *handle = NULL;
	int state;

	if (kmod_module_new_from_name(context, name, &handle) < 0)
		return "it has no name that a module can have";
	module = handle;
	state = kmod_module_get_initstate(module);
	if (state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE)
		return NULL;
	if (!kmod_module_get_path(module))
		return "it is named by modules.alias, and there is no such file";
	if (kmod_module_get_install_commands(module))
		return "modprobe.d(5) has an install line for it";
	return NULL;
}

static void look_at_module(Doctor *doctor, KmodContext *context, const char *name)
{
	const char *obstacle = find_obstacle(context, name);

	if (!obstacle) {
		report_add(doctor->report, REPORT_OK, name, "this module is loaded, or can be");
		return;
	}
	report_add(doctor->report, REPORT_PROBLEM, name, "this module suits VFs here, and cannot "
		   "be loaded: %s", obstacle);
	report_advise(doctor->report, "modprobe %s says more; run depmod after the modules of "
		      "this kernel were changed", name);
}

/* The best module of each kind of VF. */
static GHashTable *best_modules(const Doctor *doctor, guint *ret_without)
{
	GHashTable *modules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	*ret_without = 0;
	for (guint i = 0; i < doctor->inventory->pfs->len; i++) {
		const VferryPf *pf = g_ptr_array_index(doctor->inventory->pfs, i);
		const VferryVf *vf = pf->vfs->len ? g_ptr_array_index(pf->vfs, 0) : NULL;
		const char *const *found = vf ? host_candidates(doctor->host, vf->modalias) : NULL;

		if (!found)
			continue;
		if (g_str_equal(found[0], VFERRY_FALLBACK_MODULE))
			(*ret_without)++;
		else
			g_hash_table_add(modules, g_strdup(found[0]));
	}
	return modules;
}

static void look_at_modules(Doctor *doctor)
{
	g_autoptr(KmodContext) context = kmod_new(NULL, NULL);
	guint without;
	g_autoptr(GHashTable) modules = best_modules(doctor, &without);
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(modules),
					     (GCompareFunc)g_strcmp0);

	if (doctor->host->aliases_error) {
		report_add(doctor->report, REPORT_PROBLEM, "modules", "%s",
			   doctor->host->aliases_error->message);
		report_advise(doctor->report, "run depmod for this kernel");
		return;
	}
	for (const GList *at = names; context && at; at = at->next)
		look_at_module(doctor, context, at->data);
	if (without == 0)
		return;
	report_add(doctor->report, REPORT_WARNING, "modules",
		   "for the VFs of %u PF%s this kernel has no variant driver: guests with them "
		   "do not migrate", without, without == 1 ? "" : "s");
	report_advise(doctor->report, "install one where there is one; see docs/other-drivers.md");
}

void doctor_look_at_host(Doctor *doctor)
{
	look_at_iommu(doctor);
	look_at_config(doctor);
	look_at_modules(doctor);
	for (guint i = 0; i < doctor->inventory->problems->len; i++)
		report_add(doctor->report, REPORT_WARNING, "sysfs", "%s",
			   (const char *)doctor->inventory->problems->pdata[i]);
}
