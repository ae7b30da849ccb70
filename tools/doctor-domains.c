/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor.h"

#include "device.h"

static gboolean is_present(const VferryAddress *address)
{
	g_auto(VferryFolder) bus = VFERRY_FOLDER_INIT;
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	return vferry_device_open_bus(&bus, NULL) &&
	       vferry_folder_has(&bus, vferry_address_text(address, name));
}

static gboolean has_address(const GArray *addresses, const VferryAddress *address)
{
	for (guint i = 0; i < addresses->len; i++)
		if (vferry_address_equal(&g_array_index(addresses, VferryAddress, i), address))
			return TRUE;
	return FALSE;
}

/* What the next start takes. */
static void look_at_definition(Doctor *doctor, const Domain *domain)
{
	for (guint i = 0; i < domain->config->len; i++) {
		const VferryAddress *address = &g_array_index(domain->config, VferryAddress, i);
		char text[VFERRY_ADDRESS_TEXT_SIZE];

		vferry_address_text(address, text);
		if (!is_present(address)) {
			report_add(doctor->report, REPORT_PROBLEM, domain->name, "its definition "
				   "names %s, which this host does not have: it cannot start",
				   text);
			report_advise(doctor->report, "virsh edit it; vferry list shows VFs that "
				      "are free");
		} else if (domain->active && vferry_inventory_vf(doctor->inventory, address) &&
			   !has_address(domain->live, address)) {
			report_add(doctor->report, REPORT_WARNING, domain->name, "its definition "
				   "names %s, and it runs with another VF: its next start may find "
				   "that one taken", text);
			report_advise(doctor->report, "virsh edit it; systemctl status "
				      "vferry-arrival.path says why this was not done for you");
		}
	}
}

/* A VF that the hook has not seen. */
static void look_at_running(Doctor *doctor, const Domain *domain)
{
	for (guint i = 0; i < domain->live->len; i++) {
		const VferryAddress *address = &g_array_index(domain->live, VferryAddress, i);
		char text[VFERRY_ADDRESS_TEXT_SIZE];

		if (!vferry_inventory_vf(doctor->inventory, address) ||
		    host_claim(doctor->host, address))
			continue;
		report_add(doctor->report, REPORT_WARNING, domain->name, "it runs with %s, which "
			   "is not claimed: a guest that migrates here could be given it",
			   vferry_address_text(address, text));
		report_advise(doctor->report, "restart libvirt's daemon, so that the hook sees the "
			      "domain");
	}
}

/* Whatever the hook has bound. */
static void look_at_managed(Doctor *doctor, const Domain *domain)
{
	gulong libvirt = doctor->domains->libvirt;

	for (guint i = 0; libvirt < CONNECTION_WITH_VARIANT_DRIVERS && i < domain->managed->len; i++) {
		const VferryAddress *address = &g_array_index(domain->managed, VferryAddress, i);
		char text[VFERRY_ADDRESS_TEXT_SIZE];

		if (!vferry_inventory_vf(doctor->inventory, address))
			continue;
		report_add(doctor->report, REPORT_WARNING, domain->name, "with managed='yes' "
			   "libvirt " VERSION_FORMAT " binds %s to vfio-pci, and the guest cannot "
			   "migrate", VERSION_ARGUMENTS(libvirt),
			   vferry_address_text(address, text));
		report_advise(doctor->report, "say managed='no' in its definition, or install "
			      "libvirt 10");
	}
}

void doctor_look_at_domains(Doctor *doctor)
{
	const Domains *domains = doctor->domains;

	if (!domains) {
		report_add(doctor->report, REPORT_UNKNOWN, "domains", "libvirt does not answer");
		report_advise(doctor->report, "virsh -c qemu:///system list");
		return;
	}
	for (guint i = 0; i < domains->all->len; i++) {
		look_at_definition(doctor, domains->all->pdata[i]);
		look_at_running(doctor, domains->all->pdata[i]);
		look_at_managed(doctor, domains->all->pdata[i]);
	}
	for (guint i = 0; i < domains->problems->len; i++)
		report_add(doctor->report, REPORT_WARNING, "domains", "%s",
			   (const char *)domains->problems->pdata[i]);
	report_add(doctor->report, REPORT_OK, "domains", "%u looked at", domains->all->len);
}
