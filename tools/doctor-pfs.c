/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include "binding.h"
#include "interface.h"
#include "module-name.h"
#include "pf-interface.h"
#include "vfio-features.h"

/* PFs */

static void look_at_number(Doctor *doctor, const char *about, const VferryPf *pf,
			   const VferryPfConfig *config)
{
	if (config->vfs == VFERRY_CONFIG_VFS_UNSET || (guint)config->vfs == pf->sriov_numvfs) {
		report_add(doctor->report, REPORT_OK, about, "it has %u VFs", pf->sriov_numvfs);
		return;
	}
	report_add(doctor->report, REPORT_PROBLEM, about, "it has %u VFs, and vfs=%d is configured",
		   pf->sriov_numvfs, config->vfs);
	if ((guint)config->vfs > pf->sriov_totalvfs)
		report_advise(doctor->report, "it can have %u at most: correct %s",
			      pf->sriov_totalvfs, config->from[VFERRY_PF_KEY_VFS]);
	else
		report_advise(doctor->report, "vferry provision %s, while no guest has one of its "
			      "VFs", about);
}

static void look_at_interface(Doctor *doctor, const VferryPf *pf)
{
	const char *interface = vferry_pf_interface(pf, NULL);
	gboolean is_up;

	if (!interface || !vferry_interface_up(interface, &is_up) || is_up)
		return;
	report_add(doctor->report, REPORT_PROBLEM, interface, "this PF is down: it answers none of "
		   "its VFs, and a guest that migrates here is refused");
	report_advise(doctor->report, "ip link set %s up, and have it so at boot", interface);
}

static void look_at_autoprobe(Doctor *doctor, const char *about, const VferryPf *pf,
			      const VferryPfConfig *config)
{
	if (!pf->drivers_autoprobe || config->driver == VFERRY_CONFIG_DRIVER_KEEP)
		return;
	report_add(doctor->report, REPORT_WARNING, about, "sriov_drivers_autoprobe is on: VFs that "
		   "are made now go to the network driver first");
	report_advise(doctor->report, "vferry provision %s switches it off", about);
}

static const char *wanted_driver(const Doctor *doctor, const VferryVf *vf,
				 const VferryPfConfig *config)
{
	if (config->driver == VFERRY_CONFIG_DRIVER_FORCE)
		return config->driver_name;
	return config->driver == VFERRY_CONFIG_DRIVER_AUTO ?
	       host_best_driver(doctor->host, vf->modalias) : NULL;
}

static void look_at_drivers(Doctor *doctor, const char *about, const VferryPf *pf,
			    const VferryPfConfig *config)
{
	const char *wanted = NULL;
	guint others = 0;

	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);

		wanted = wanted_driver(doctor, vf, config);
		others += wanted && (!vf->driver || !vferry_module_name_equal(vf->driver, wanted));
	}
	if (!wanted)
		return;
	if (others == 0) {
		report_add(doctor->report, REPORT_OK, about, "all of its VFs are bound to %s",
			   wanted);
		return;
	}
	report_add(doctor->report, REPORT_WARNING, about, "%u of its %u VFs are not bound to %s",
		   others, pf->vfs->len, wanted);
	report_advise(doctor->report, "vferry provision %s; vferry list shows which", about);
}

static void look_at_pf(Doctor *doctor, const VferryPf *pf)
{
	const VferryPfConfig *config = host_pf_config(doctor->host, pf);
	char about[VFERRY_ADDRESS_TEXT_SIZE];

	if (!config->configured)
		return;
	vferry_address_text(&pf->address, about);
	look_at_number(doctor, about, pf, config);
	look_at_interface(doctor, pf);
	look_at_autoprobe(doctor, about, pf, config);
	look_at_drivers(doctor, about, pf, config);
}

/* VFs */

static void look_at_override(Doctor *doctor, const char *about, const VferryVf *vf)
{
	g_auto(VferryBinding) binding = { 0 };
	g_autoptr(GError) error = NULL;

	if (!vferry_binding_read(&vf->address, &binding, &error)) {
		report_add(doctor->report, REPORT_WARNING, about, "%s", error->message);
		return;
	}
	if (!binding.driver_override ||
	    g_strcmp0(binding.driver, binding.driver_override) == 0)
		return;
	report_add(doctor->report, REPORT_WARNING, about, "its driver_override is %s, and %s%s: no "
		   "other driver takes it", binding.driver_override,
		   binding.driver ? "it is bound to " : "it has no driver",
		   binding.driver ? binding.driver : "");
	report_advise(doctor->report, "vferry bind %s or vferry unbind %s", about, about);
}

static void look_at_dirty_log(Doctor *doctor, const char *about, const VferryVf *vf)
{
	g_auto(VfioFeatures) features = { 0 };

	if (!vf->vfio_dev || !vfio_features_shown(vf, &features) ||
	    features.dirty_log != ANSWER_NO)
		return;
	report_add(doctor->report, REPORT_WARNING, about, "its driver %s cannot report which pages "
		   "it writes: most hosts refuse to migrate a guest with it", vf->driver);
	report_advise(doctor->report, "for igbvf_vfio_pci install vfio-dirty-log "
		      "(driver/vfio-core); for others see docs/other-drivers.md");
}

void doctor_look_at_pfs(Doctor *doctor)
{
	for (guint i = 0; i < doctor->inventory->pfs->len; i++) {
		const VferryPf *pf = g_ptr_array_index(doctor->inventory->pfs, i);

		look_at_pf(doctor, pf);
		for (guint n = 0; n < pf->vfs->len; n++) {
			const VferryVf *vf = g_ptr_array_index(pf->vfs, n);
			char about[VFERRY_ADDRESS_TEXT_SIZE];

			vferry_address_text(&vf->address, about);
			look_at_override(doctor, about, vf);
			look_at_dirty_log(doctor, about, vf);
		}
	}
}
