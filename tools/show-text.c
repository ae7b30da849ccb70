/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include "pf.h"
#include "terminal.h"

#include <stdio.h>

static void G_GNUC_PRINTF(2, 3) line(const char *key, const char *format, ...)
{
	g_autofree char *label = g_strconcat(key, ":", NULL);
	g_autofree char *value = NULL;
	g_autofree char *shown = NULL;
	va_list arguments;

	va_start(arguments, format);
	value = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	shown = terminal_text(value);
	printf("%-18s %s\n", label, shown);
}

static void print_number(const char *key, int number)
{
	if (number < 0)
		line(key, "none");
	else
		line(key, "%d", number);
}

static void print_device(const VferryVf *vf)
{
	const VferryPf *pf = vf->pf;
	g_autofree char *interfaces = g_strjoinv(", ", pf->interfaces);
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	line("address", "%s", vferry_address_text(&vf->address, address));
	line("VF", "%u of %u", vf->index, pf->sriov_numvfs);
	line("PF", "%s, driver %s%s%s", vferry_address_text(&pf->address, address),
	     pf->driver ? pf->driver : "none", *interfaces ? ", interface " : "", interfaces);
	line("IDs", "%04x:%04x, subsystem %04x:%04x", vf->vendor, vf->device,
	     vf->subsystem_vendor, vf->subsystem_device);
	line("modalias", "%s", vf->modalias);
	print_number("IOMMU group", vf->iommu_group);
	print_number("NUMA node", vf->numa_node);
}

static void print_binding(const Shown *shown)
{
	const VferryVf *vf = shown->vf;

	line("driver", "%s%s%s", vf->driver ? vf->driver : "none",
	     vf->vfio_dev ? ", VFIO device " : "", vf->vfio_dev ? vf->vfio_dev : "");
	if (!shown->has_binding)
		line("override", "unknown");
	else
		line("override", "%s", shown->binding.driver_override ?
					       shown->binding.driver_override : "none");
	line("interface", "%s", vf->interface ? vf->interface : "none");
}

static void print_choice(const Shown *shown)
{
	const char *const *candidates = host_candidates(shown->host, shown->vf->modalias);
	g_autofree char *modules = candidates ? g_strjoinv(", ", (char **)candidates) : NULL;

	line("candidates", "%s", modules ? modules : "unknown");
	if (!shown->has_choice)
		line("chosen", "unknown");
	else if (!shown->choice.driver)
		line("chosen", "whatever it has");
	else
		line("chosen", "%s%s%s", shown->choice.driver, shown->choice.reason ? ": " : "",
		     shown->choice.reason ? shown->choice.reason : "");
}

static void print_config(const Shown *shown)
{
	if (!shown->config->configured)
		line("config", "no section is about this PF");
	for (VferryPfKey key = 0; shown->config->configured && key < VFERRY_PF_KEYS; key++) {
		g_autofree char *value = shown_config_value(shown, key);
		const char *from = shown->config->from[key];
		const char *name = vferry_config_pf_key_name(key);
		g_autofree char *label = g_strconcat("config ", name, NULL);

		line(label, "%s (%s)", value ? value : "not set", from ? from : "default");
	}
}

static char *age_text(gint64 seconds)
{
	if (seconds < 0)
		return g_strdup("before this boot");
	if (seconds < 2 * 60)
		return g_strdup_printf("%d s ago", (int)seconds);
	if (seconds < 2 * 60 * 60)
		return g_strdup_printf("%d min ago", (int)(seconds / 60));
	return g_strdup_printf("%" G_GINT64_FORMAT " h ago", seconds / (60 * 60));
}

static void print_claim(const Shown *shown)
{
	const VferryClaim *claim = shown->claim;
	g_autofree char *age = NULL;
	g_autofree char *end = NULL;

	if (!claim) {
		line("claim", "none");
		return;
	}
	if (claim->problem) {
		line("claim", "cannot be trusted: %s", claim->problem);
		return;
	}
	age = age_text(shown->claim_age);
	end = claim->lifetime ? g_strdup_printf("counts for %u s", claim->lifetime) :
				g_strdup("without an end");
	line("claim", "domain '%s' (%s), %s, taken %s, %s", claim->name, claim->uuid,
	     vferry_claim_purpose_text(claim->purpose), age, end);
}

static void print_user(const Shown *shown)
{
	if (shown->user)
		line("used by", "domain '%s' (%s)", shown->user, shown->user_uuid);
	else
		line("used by", shown->libvirt_answered ? "no domain that libvirt runs" :
							  "unknown");
}

static void print_identity(const Shown *shown)
{
	g_autofree char *text = vferry_identity_text(&shown->identity, shown->identity.parts);

	line("identity", "%s", *text ? text : "unknown");
}

void shown_print_text(const Shown *shown)
{
	static const char *const devlink[] = {
		[MIGRATABLE_UNKNOWN] = "has no attribute 'migratable'",
		[MIGRATABLE_NO] = "migratable disable",
		[MIGRATABLE_YES] = "migratable enable",
	};

	print_device(shown->vf);
	print_binding(shown);
	print_choice(shown);
	line("migratable", "%s: %s", migratable_text(shown->migratable), shown->why);
	line("devlink", "%s", devlink[shown->devlink]);
	print_config(shown);
	print_claim(shown);
	print_user(shown);
	print_identity(shown);
}
