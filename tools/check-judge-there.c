/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-judge.h"

#include "apparmor.h"
#include "connection.h"
#include "module-name.h"

#include <string.h>

/* A migration carries what QEMU and kernel need beside the guest. */
#define MEMORY_RESERVE_KIB (64 * 1024)

static gboolean is_same_kind(const CheckDevice *device, const CheckFunction *function)
{
	return device->vendor == function->device->vendor &&
	       device->device == function->device->device;
}

/* How near a function is to being ready for the device: the more the nearer. */
static int rank(const CheckDevice *device, const CheckFunction *function)
{
	const char *driver = function->device->driver;

	if (vferry_address_equal(&device->address, &function->device->address))
		return 4;
	if (g_strcmp0(driver, device->driver) == 0)
		return 3;
	if (!driver)
		return 2;
	return g_str_equal(driver, VFERRY_FALLBACK_DRIVER) ? 1 : 0;
}

/* The function that the device gets; *ret_taken becomes one of its kind that is in use. */
static const CheckFunction *choose(const CheckDevice *device, const CheckThere *there,
				   GHashTable *given, const CheckFunction **ret_taken)
{
	const CheckFunction *best = NULL;

	*ret_taken = NULL;
	for (guint i = 0; i < there->functions->len; i++) {
		const CheckFunction *function = g_ptr_array_index(there->functions, i);

		if (!is_same_kind(device, function) || g_hash_table_contains(given, function))
			continue;
		if (function->user)
			*ret_taken = function;
		else if (!best || rank(device, function) > rank(device, best))
			best = function;
	}
	return best;
}

static const CheckFunction *at_address(const CheckThere *there, const VferryAddress *address)
{
	for (guint i = 0; i < there->functions->len; i++) {
		const CheckFunction *function = g_ptr_array_index(there->functions, i);

		if (vferry_address_equal(&function->device->address, address))
			return function;
	}
	return NULL;
}

static void judge_missing(Report *report, const char *about, const CheckDevice *device,
			  const CheckFunction *taken)
{
	report_add(report, REPORT_PROBLEM, about, taken ?
		   "every VF %04x:%04x there is taken" : "there is no VF %04x:%04x there",
		   device->vendor, device->device);
	report_advise(report, taken ? "free one there, or raise vfs= of its PF in vferry.conf" :
		      "make VFs there: vfs= of a PF in vferry.conf, then vferry provision");
}

/* Why a function there is not the one that the domain names. */
static char *explain_other(const CheckDevice *device, const CheckThere *there)
{
	const CheckFunction *named = at_address(there, &device->address);

	if (!named)
		return g_strdup("the address does not exist there");
	if (named->user)
		return g_strdup_printf("there '%s' has the address", named->user);
	return g_strdup("the address is another device there, or another of the domain's VFs "
			"has it");
}

/* With libvirt before 10 managed='yes' means vfio-pci, whatever was bound. */
static gboolean judge_managed(Report *report, const char *about, const CheckDevice *device,
			      const CheckThere *there)
{
	if (!device->managed || there->libvirt >= CONNECTION_WITH_VARIANT_DRIVERS)
		return TRUE;
	report_add(report, REPORT_PROBLEM, about, "libvirt " VERSION_FORMAT " there binds "
		   "vfio-pci to a device with managed='yes'", VERSION_ARGUMENTS(there->libvirt));
	report_advise(report, "say managed='no' in the domain and start it again, or install "
		      "libvirt 10 there");
	return FALSE;
}

static void judge_driver_there(Report *report, const char *about, const CheckDevice *device,
			       const CheckFunction *function)
{
	const char *driver = function->device->driver;
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&function->device->address, address);
	if (driver && g_strcmp0(driver, device->driver) == 0) {
		report_add(report, REPORT_OK, about, "%s is free there and bound to %s", address,
			   driver);
		return;
	}
	report_add(report, REPORT_WARNING, about, "%s is free there, and %s%s; %s has to be bound "
		   "when the guest comes", address, driver ? "bound to " : "has no driver",
		   driver ? driver : "", device->driver ? device->driver : "a variant driver");
	report_advise(report, "bind it before, on that host: vferry bind %s, or vferry.conf and "
		      "vferry provision", address);
}

static void judge_link(Report *report, const CheckThere *there, const CheckFunction *function)
{
	char pf[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *name = NULL;

	vferry_address_text(&function->device->pf, pf);
	name = g_strdelimit(g_strdup_printf("pci_%s", pf), ":.", '_');
	for (guint i = 0; i < there->interfaces->len; i++) {
		const NodeDevice *interface = g_ptr_array_index(there->interfaces, i);

		if (g_strcmp0(interface->parent, name) != 0 || interface->link_up)
			continue;
		report_add(report, REPORT_PROBLEM, interface->interface,
			   "this PF's interface is not up there; a PF that is down answers no "
			   "VF, and the migration fails");
		report_advise(report, "on that host: ip link set %s up", interface->interface);
	}
}

static void judge_address(Report *report, const char *about, const CheckHere *here,
			  const CheckDevice *device, const CheckThere *there)
{
	g_autofree char *why = explain_other(device, there);

	if (here->orchestrator) {
		report_add(report, REPORT_PROBLEM, about, "%s; vferry's hook chooses no other VF "
			   "for a domain of %s", why, here->orchestrator);
		report_advise(report, "migrate it by %s, which writes the address itself",
			      here->orchestrator);
		return;
	}
	report_add(report, REPORT_UNKNOWN, about, "%s, so vferry's hook has to choose there; "
		   "libvirt does not tell whether it is installed", why);
	report_advise(report, "on that host: vferry doctor");
}

static gboolean has_pool(const CheckThere *there, const char *name)
{
	return g_ptr_array_find_with_equal_func(there->pools, name, g_str_equal, NULL);
}

static void judge_pool(Report *report, const char *name, const CheckThere *there)
{
	if (!has_pool(there, name)) {
		report_add(report, REPORT_PROBLEM, name, "no active network of this name gives "
			   "out devices there");
		report_advise(report, "on that host: vferry export libvirt-network, virsh "
			      "net-define and virsh net-start");
		return;
	}
	report_add(report, REPORT_OK, name, "a network of this name gives out devices there");
	if (!there->apparmor)
		return;
	report_add(report, REPORT_UNKNOWN, name, "AppArmor there keeps a guest from a network's "
		   "VF unless " APPARMOR_GUESTS " says otherwise, which libvirt does not tell");
	report_advise(report, "on that host: vferry doctor");
}

/*
 * The hook there takes a VF on the network that the domain says; where it says none, on
 * that of the VF with the address that the domain names. The VF of that address it keeps.
 */
static void judge_network(Report *report, const char *about, const CheckDevice *device,
			  gboolean keeps_address)
{
	if (device->said_network) {
		report_add(report, REPORT_UNKNOWN, about, "it needs a PF on network '%s'; libvirt "
			   "does not tell on which one a PF there is", device->said_network);
		report_advise(report, "on that host: network = %s for the PF in vferry.conf",
			      device->said_network);
	} else if (!keeps_address) {
		report_add(report, REPORT_WARNING, about, "the domain does not say on which "
			   "physical network it has to be, so the hook there guesses by the "
			   "address%s%s", device->network ? "; here it is " : "",
			   device->network ? device->network : "");
		report_advise(report, "say network= in its <vferry:vf> metadata, and for the PFs "
			      "of both hosts in vferry.conf");
	}
}

static const CheckFunction *judge_device(Report *report, const CheckHere *here,
					 const CheckDevice *device, const CheckThere *there,
					 GHashTable *given)
{
	const CheckFunction *taken, *function;
	char about[VFERRY_ADDRESS_TEXT_SIZE];
	gboolean keeps_address;

	vferry_address_text(&device->address, about);
	function = choose(device, there, given, &taken);
	if (!function) {
		judge_missing(report, about, device, taken);
		return NULL;
	}
	if (judge_managed(report, about, device, there))
		judge_driver_there(report, about, device, function);
	keeps_address = vferry_address_equal(&device->address, &function->device->address);
	if (!keeps_address)
		judge_address(report, about, here, device, there);
	if (!here->orchestrator)
		judge_network(report, about, device, keeps_address);
	return function;
}

static void judge_devices(Report *report, const CheckHere *here, const CheckThere *there)
{
	g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) pfs = g_hash_table_new(vferry_address_hash, vferry_address_equal);

	for (guint i = 0; i < here->devices->len; i++) {
		const CheckDevice *device = g_ptr_array_index(here->devices, i);
		const CheckFunction *function;

		if (device->pool)
			judge_pool(report, device->pool, there);
		if (device->pool || !device->is_vf)
			continue;
		function = judge_device(report, here, device, there, given);
		if (!function)
			continue;
		g_hash_table_add(given, (gpointer)function);
		if (g_hash_table_add(pfs, (gpointer)&function->device->pf))
			judge_link(report, there, function);
	}
}

static void judge_place(Report *report, const CheckHere *here, const CheckThere *there)
{
	if (here->host_uuid && g_strcmp0(here->host_uuid, there->host_uuid) == 0) {
		report_add(report, REPORT_PROBLEM, "host", "it is this host: libvirt has the same "
			   "host UUID there");
		report_advise(report, "name another host; where two hosts were cloned, give one "
			      "a host_uuid in libvirtd.conf or virtqemud.conf");
	}
	if (there->same_uuid_active) {
		report_add(report, REPORT_PROBLEM, "domain", "it runs there, too");
		report_advise(report, "find out which of the two is right, and stop the other");
	}
	if (there->name_taken) {
		report_add(report, REPORT_PROBLEM, "domain", "another domain there has its name");
		report_advise(report, "rename that one: virsh -c %s domrename %s NEW", there->uri,
			      here->name);
	}
	if (there->free_kib && here->traits.memory_kib + MEMORY_RESERVE_KIB > there->free_kib) {
		report_add(report, REPORT_WARNING, "memory", "the guest may need %" G_GUINT64_FORMAT
			   " MiB, and %" G_GUINT64_FORMAT " MiB are free there",
			   here->traits.memory_kib / 1024, there->free_kib / 1024);
		report_advise(report, "VFIO pins all of a guest's memory: free some there");
	}
}

static void judge_versions_there(Report *report, const CheckHere *here, const CheckThere *there)
{
	if (there->qemu && there->qemu < VERSION(8, 1)) {
		report_add(report, REPORT_PROBLEM, "QEMU", VERSION_FORMAT " there loads no VFIO "
			   "device", VERSION_ARGUMENTS(there->qemu));
		report_advise(report, "install QEMU 8.1 or later there");
	} else if (there->qemu && there->qemu < here->qemu) {
		report_add(report, REPORT_WARNING, "QEMU", VERSION_FORMAT " there is older than here, "
			   "and may not know the machine type %s", VERSION_ARGUMENTS(there->qemu),
			   here->traits.machine ? here->traits.machine : "of the domain");
		report_advise(report, "install the same version there, or give the domain an older "
			      "machine type");
	} else {
		report_add(report, there->qemu ? REPORT_OK : REPORT_UNKNOWN, "QEMU",
			   "version " VERSION_FORMAT, VERSION_ARGUMENTS(there->qemu));
	}
	report_add(report, REPORT_OK, "libvirt", "version " VERSION_FORMAT,
		   VERSION_ARGUMENTS(there->libvirt));
}

void check_judge_there(Report *report, const CheckHere *here, const CheckThere *there)
{
	judge_place(report, here, there);
	judge_versions_there(report, here, there);
	judge_devices(report, here, there);
}
