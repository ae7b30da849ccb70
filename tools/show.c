/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include "devlink.h"
#include "domains.h"
#include "error.h"
#include "pf-interface.h"

/* How long the kernel may take to say driver_override, and libvirt who has the VF; in ms. */
#define KERNEL_LIMIT 2000
#define LIBVIRT_LIMIT 2000

void shown_free(Shown *shown)
{
	vferry_vf_free(shown->vf);
	host_free(shown->host);
	vferry_binding_clear(&shown->binding);
	vferry_choice_clear(&shown->choice);
	g_free(shown->why);
	g_free(shown->user);
	g_free(shown->user_uuid);
	g_ptr_array_unref(shown->notes);
	g_free(shown);
}

static void note(Shown *shown, const char *about, const GError *error)
{
	g_ptr_array_add(shown->notes, g_strdup_printf("%s: %s", about, error->message));
}

static void read_binding(Shown *shown)
{
	g_autoptr(GError) error = NULL;

	vferry_binding_set_limit(KERNEL_LIMIT);
	shown->has_binding = vferry_binding_read(&shown->vf->address, &shown->binding, &error);
	if (!shown->has_binding)
		note(shown, "driver_override", error);
}

static void foresee(Shown *shown)
{
	g_autoptr(GError) error = NULL;

	if (!host_require(shown->host, NULL))
		return;
	shown->has_choice = vferry_foresee_driver(shown->host->aliases, shown->vf, shown->config,
						  NULL, &shown->choice, &error);
	if (!shown->has_choice)
		note(shown, "choice of the driver", error);
}

static void read_devlink(Shown *shown)
{
	g_autoptr(GError) error = NULL;
	gboolean migratable;

	if (vferry_devlink_migratable_read(&shown->vf->pf->address, shown->vf->index, &migratable,
					   &error))
		shown->devlink = migratable ? MIGRATABLE_YES : MIGRATABLE_NO;
	else if (!g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		note(shown, "devlink", error);
}

static void judge(Shown *shown)
{
	const MigratableFacts facts = {
		.driver = shown->vf->driver,
		.is_vfio = shown->vf->vfio_dev != NULL,
		.candidates = host_candidates(shown->host, shown->vf->modalias),
		.devlink = shown->devlink,
	};

	shown->migratable = migratable_judge(&facts, &shown->why);
}

static void read_claim(Shown *shown)
{
	VferryInstant now;

	shown->claim = host_claim(shown->host, &shown->vf->address);
	shown->claim_age = -1;
	if (shown->claim && !shown->claim->problem && vferry_instant_now(&now, NULL) &&
	    g_str_equal(now.boot, shown->claim->created.boot))
		shown->claim_age = MAX(now.seconds - shown->claim->created.seconds, 0);
}

static void read_identity(Shown *shown)
{
	const char *interface = vferry_pf_interface(shown->vf->pf, NULL);
	g_autoptr(GError) error = NULL;

	if (interface &&
	    !vferry_identity_read(interface, shown->vf->index, &shown->identity, &error)) {
		shown->identity.parts = 0;
		note(shown, "identity", error);
	}
}

static void ask_libvirt(Shown *shown)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Domains) domains = domains_open(NULL, FALSE, LIBVIRT_LIMIT, &error);
	const Domain *user;

	shown->libvirt_answered = domains != NULL;
	if (!domains) {
		note(shown, "used by", error);
		return;
	}
	user = domains_user(domains, &shown->vf->address);
	if (!user)
		return;
	shown->user = g_strdup(user->name);
	shown->user_uuid = g_strdup(user->uuid);
}

Shown *shown_read(VferryVf *vf)
{
	Shown *shown = g_new0(Shown, 1);

	shown->vf = vf;
	shown->host = host_read();
	shown->config = host_pf_config(shown->host, vf->pf);
	shown->notes = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < shown->host->problems->len; i++)
		g_ptr_array_add(shown->notes, g_strdup(shown->host->problems->pdata[i]));
	read_binding(shown);
	foresee(shown);
	read_devlink(shown);
	judge(shown);
	read_claim(shown);
	read_identity(shown);
	ask_libvirt(shown);
	return shown;
}

static char *driver_value(const VferryPfConfig *config)
{
	switch (config->driver) {
	case VFERRY_CONFIG_DRIVER_AUTO:
		return g_strdup("auto");
	case VFERRY_CONFIG_DRIVER_KEEP:
		return g_strdup("keep");
	default:
		return g_strdup(config->driver_name);
	}
}

char *shown_config_value(const Shown *shown, VferryPfKey key)
{
	static const char *const migratable[] = {
		[VFERRY_CONFIG_MIGRATABLE_AUTO] = "auto",
		[VFERRY_CONFIG_MIGRATABLE_YES] = "yes",
		[VFERRY_CONFIG_MIGRATABLE_NO] = "no",
	};
	const VferryPfConfig *config = shown->config;

	switch (key) {
	case VFERRY_PF_KEY_VFS:
		return config->vfs == VFERRY_CONFIG_VFS_UNSET ?
			       NULL : g_strdup_printf("%d", config->vfs);
	case VFERRY_PF_KEY_DRIVER:
		return driver_value(config);
	case VFERRY_PF_KEY_NETWORK:
		return g_strdup(config->network);
	case VFERRY_PF_KEY_MIGRATABLE:
		return g_strdup(migratable[config->migratable]);
	default:
		return NULL;
	}
}
