/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check-judge.h"

#include "module-name.h"

/* A device that can be asked about: one that is there, is a VF and has a VFIO driver. */
static gboolean has_variant_driver(const CheckDevice *device)
{
	return device->is_vf && device->is_vfio && device->driver &&
	       !g_str_equal(device->driver, VFERRY_FALLBACK_DRIVER);
}

static void judge_domain(Report *report, const CheckHere *here)
{
	if (!here->active) {
		report_add(report, REPORT_PROBLEM, "domain", "it is not running");
		report_advise(report, "start it; a domain that is shut off moves by "
			      "virsh migrate --offline --persistent");
		return;
	}
	if (here->devices->len == 0 && here->traits.other_vfio == 0)
		report_add(report, REPORT_OK, "domain", "it runs, and has no device of the host");
	else
		report_add(report, REPORT_OK, "domain", "it runs, with %u PCI device%s of the host",
			   here->devices->len, here->devices->len == 1 ? "" : "s");
}

static void judge_driver(Report *report, const char *about, const CheckDevice *device)
{
	if (!device->present || !device->is_vf) {
		report_add(report, REPORT_WARNING, about,
			   device->present ? "it is no VF: vferry does nothing for it" :
					     "this host has no such function");
		report_advise(report, "unplug it before the migration, unless its driver can "
			      "migrate it");
		return;
	}
	if (has_variant_driver(device)) {
		report_add(report, REPORT_OK, about, "its driver is %s", device->driver);
		return;
	}
	report_add(report, REPORT_PROBLEM, about, device->driver ?
		   "its driver is %s, which cannot save a device" : "it has no driver%s",
		   device->driver ? device->driver : "");
	if (device->best && !g_str_equal(device->best, VFERRY_FALLBACK_DRIVER))
		report_advise(report, "shut the domain down and start it again, so that %s gets "
			      "the VF (vferry bind)", device->best);
	else
		report_advise(report, "install a variant driver for %04x:%04x; modules.alias of "
			      "this kernel names none", device->vendor, device->device);
}

static void judge_features(Report *report, const char *about, const CheckDevice *device)
{
	const VfioFeatures *features = &device->features;
	const char *source = features->source;

	if (features->stop_copy == ANSWER_NO) {
		report_add(report, REPORT_PROBLEM, about, "the device offers no migration "
			   "(according to %s)", source);
		report_advise(report, "see docs/other-drivers.md for what %s wants, and its "
			      "messages in the kernel log", device->driver);
		return;
	}
	if (features->stop_copy == ANSWER_UNKNOWN) {
		report_add(report, REPORT_UNKNOWN, about,
			   "the device cannot be asked what it offers: the guest has it open");
		report_advise(report, "run this as root, with a VF of the same PF bound and "
			      "free, or with --ask-qemu");
		return;
	}
	report_add(report, REPORT_OK, about, "the device can be saved and loaded%s "
		   "(according to %s)", features->pre_copy == ANSWER_YES ? ", also while it runs" :
		   "", source);
}

static void judge_dirty_log(Report *report, const char *about, const CheckDevice *device)
{
	switch (device->features.dirty_log) {
	case ANSWER_YES:
		report_add(report, REPORT_OK, about, "it reports the pages that it writes");
		break;
	case ANSWER_NO:
		report_add(report, REPORT_PROBLEM, about,
			   "it does not report the pages that it writes, so QEMU lets it "
			   "migrate only with an IOMMU that does");
		if (g_str_equal(device->driver, "igbvf_vfio_pci"))
			report_advise(report, "this kernel lacks CONFIG_IOMMUFD_DRIVER: install "
				      "vfio-dirty-log (driver/vfio-core) and reload vfio");
		else
			report_advise(report, "see docs/other-drivers.md for IOMMUs and versions "
				      "that %s needs", device->driver);
		break;
	default:
		break;
	}
}

static void judge_devlink(Report *report, const char *about, const CheckDevice *device)
{
	if (device->devlink != ANSWER_NO)
		return;
	report_add(report, REPORT_PROBLEM, about, "devlink says that it is not migratable");
	report_advise(report, "say migratable=yes for its PF in vferry.conf; it takes effect "
		      "before a driver binds, so after the domain is shut down");
}

static void judge_pf(Report *report, const char *about, const CheckDevice *device)
{
	if (device->pf_up != ANSWER_NO)
		return;
	report_add(report, REPORT_WARNING, about, "its PF %s is down and answers no VF",
		   device->pf_interface);
	report_advise(report, "ip link set %s up", device->pf_interface);
}

static void judge_identity(Report *report, const char *about, const CheckDevice *device)
{
	if (!device->left_behind) {
		report_add(report, REPORT_OK, about, "the domain says all that the PF has set "
			   "for it");
		return;
	}
	report_add(report, REPORT_WARNING, about, "this PF has set what the domain does not say "
		   "and the other host will not have: %s", device->left_behind);
	report_advise(report, "say it in the domain's <vferry:vf> metadata (virsh metadata)");
}

static void judge_device(Report *report, const CheckDevice *device)
{
	char about[VFERRY_ADDRESS_TEXT_SIZE];

	if (!device->has_address) {
		report_add(report, REPORT_UNKNOWN, device->pool,
			   "this network gives it a VF when it starts");
		report_advise(report, "check the domain while it runs");
		return;
	}
	vferry_address_text(&device->address, about);
	judge_driver(report, about, device);
	if (!has_variant_driver(device))
		return;
	judge_features(report, about, device);
	judge_dirty_log(report, about, device);
	judge_devlink(report, about, device);
	judge_pf(report, about, device);
	judge_identity(report, about, device);
}

/* QEMU: with more than one VFIO device each must have P2P states. */
static void judge_several(Report *report, const CheckHere *here)
{
	guint count = here->devices->len + here->traits.other_vfio;
	gboolean known = here->traits.other_vfio == 0;

	if (count < 2)
		return;
	for (guint i = 0; i < here->devices->len; i++) {
		const CheckDevice *device = g_ptr_array_index(here->devices, i);
		char address[VFERRY_ADDRESS_TEXT_SIZE];

		known &= device->features.p2p == ANSWER_YES;
		if (device->features.p2p != ANSWER_NO)
			continue;
		vferry_address_text(&device->address, address);
		report_add(report, REPORT_PROBLEM, "devices", "there are %u, and %s cannot stop "
			   "while others run (P2P), which QEMU wants of each", count, address);
		report_advise(report, "leave one device in the domain");
		return;
	}
	if (known) {
		report_add(report, REPORT_OK, "devices", "each of the %u has P2P states", count);
		return;
	}
	report_add(report, REPORT_UNKNOWN, "devices", "there are %u; QEMU wants P2P states of "
		   "each, and not all could be asked", count);
	report_advise(report, "--ask-qemu tells");
}

static void judge_traits(Report *report, const DomainTraits *traits)
{
	if (traits->viommu) {
		report_add(report, REPORT_PROBLEM, "vIOMMU", "the guest has an IOMMU: QEMU does "
			   "not migrate VFIO devices behind one");
		report_advise(report, "remove <iommu> from the domain");
	} else {
		report_add(report, REPORT_OK, "vIOMMU", "the guest has none");
	}
	if (traits->post_copy) {
		report_add(report, REPORT_PROBLEM, "post-copy", "QEMU's command line switches it "
			   "on; VFIO devices cannot migrate with it");
		report_advise(report, "remove it from <qemu:commandline>");
	} else {
		report_add(report, REPORT_OK, "post-copy", "the domain does not ask for it; "
			   "do not use virsh migrate --postcopy");
	}
	if (traits->migration_off) {
		report_add(report, REPORT_PROBLEM, "QEMU", "the domain sets enable-migration=off");
		report_advise(report, "remove that from <qemu:commandline> or <qemu:override>");
	}
}

static void judge_versions(Report *report, const CheckHere *here)
{
	if (here->qemu && here->qemu < VERSION(8, 1)) {
		report_add(report, REPORT_PROBLEM, "QEMU", VERSION_FORMAT " migrates no VFIO "
			   "device unless told to by x-enable-migration",
			   VERSION_ARGUMENTS(here->qemu));
		report_advise(report, "install QEMU 8.1 or later");
	} else {
		report_add(report, here->qemu ? REPORT_OK : REPORT_UNKNOWN, "QEMU",
			   "version " VERSION_FORMAT, VERSION_ARGUMENTS(here->qemu));
	}
	if (here->libvirt < VERSION(8, 6)) {
		report_add(report, REPORT_PROBLEM, "libvirt", VERSION_FORMAT " refuses every "
			   "domain with a PCI hostdev", VERSION_ARGUMENTS(here->libvirt));
		report_advise(report, "install libvirt 8.6 or later");
	} else {
		report_add(report, REPORT_OK, "libvirt", "version " VERSION_FORMAT,
			   VERSION_ARGUMENTS(here->libvirt));
	}
}

static void judge_blockers(Report *report, const CheckHere *here)
{
	if (!here->asked_qemu)
		return;
	for (guint i = 0; here->blockers[i]; i++) {
		report_add(report, REPORT_PROBLEM, "QEMU", "it says: %s", here->blockers[i]);
		report_advise(report, "this is QEMU's own reason to refuse; the other lines may "
			      "say where it comes from");
	}
	if (!here->blockers[0])
		report_add(report, REPORT_OK, "QEMU", "it names nothing that blocks a migration");
}

static void judge_orchestrator(Report *report, const CheckHere *here)
{
	if (!here->orchestrator)
		return;
	report_add(report, REPORT_WARNING, "domain", "%s made it, and does not expect it to move "
		   "by itself", here->orchestrator);
	report_advise(report, "migrate it by %s; see docs/orchestrators.md", here->orchestrator);
}

void check_judge_here(Report *report, const CheckHere *here)
{
	judge_domain(report, here);
	judge_orchestrator(report, here);
	judge_versions(report, here);
	for (guint i = 0; i < here->devices->len; i++)
		judge_device(report, g_ptr_array_index(here->devices, i));
	if (here->devices->len + here->traits.other_vfio == 0)
		return;
	judge_several(report, here);
	judge_traits(report, &here->traits);
	judge_blockers(report, here);
}
