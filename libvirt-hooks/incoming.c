/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain comes from elsewhere: its XML names VFs of another host, or of another time.
 * From the first look at this host to the last claim one lock is held, so that of two
 * domains that come at once none gets what the other has.
 */
#include "operation.h"

#include "choice.h"
#include "error.h"
#include "guest-claim.h"
#include "host-vfs.h"
#include "output.h"
#include "journal.h"
#include "sysfs.h"

/**
 * Arrival - a domain that comes
 * @domain: the domain
 * @config: the configuration
 * @vfs: VferryDestinationVf, of this host
 * @devices: guint, for each wish the index of the domain's device
 * @wishes: VferryDestinationWish
 * @chosen: for each wish an index into @vfs
 */
typedef struct {
	const VferryDomain *domain;
	VferryConfig *config;
	GArray *vfs;
	GArray *devices;
	GArray *wishes;
	guint *chosen;
} Arrival;

static void arrival_clear(Arrival *arrival)
{
	g_clear_pointer(&arrival->vfs, g_array_unref);
	g_clear_pointer(&arrival->devices, g_array_unref);
	g_clear_pointer(&arrival->wishes, g_array_unref);
	g_clear_pointer(&arrival->chosen, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arrival, arrival_clear)

static const VferryDestinationVf *vf_of(const Arrival *arrival, guint wish)
{
	return &g_array_index(arrival->vfs, VferryDestinationVf, arrival->chosen[wish]);
}

static const VferryDomainDevice *device_of(const Arrival *arrival, guint wish)
{
	return arrival->domain->devices->pdata[g_array_index(arrival->devices, guint, wish)];
}

static gboolean is_here(const VferryAddress *device)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *path = g_build_filename(VFERRY_SYSFS_PCI_DEVICES,
						 vferry_address_text(device, text), NULL);

	return g_file_test(path, G_FILE_TEST_IS_DIR);
}

static gboolean is_vf_here(const Arrival *arrival, const VferryAddress *address)
{
	for (guint i = 0; i < arrival->vfs->len; i++)
		if (vferry_address_equal(&g_array_index(arrival->vfs, VferryDestinationVf, i).vf
					  ->address, address))
			return TRUE;
	return FALSE;
}

static gboolean any_configured(const Arrival *arrival)
{
	for (guint i = 0; i < arrival->vfs->len; i++)
		if (g_array_index(arrival->vfs, VferryDestinationVf, i).configured)
			return TRUE;
	return FALSE;
}

/*
 * A device that is here and no VF may be what the domain means, unless the domain itself
 * says that it means a VF. One that is not here is taken for a VF: what can migrate hardly
 * is anything else. Where the configuration names no PF with VFs, there is nothing to
 * choose from, and libvirt says what is wrong.
 */
static gboolean is_ours(const Arrival *arrival, const VferryDomainDevice *device)
{
	if (device->kind == VFERRY_DOMAIN_NETWORK)
		return FALSE;
	if (is_vf_here(arrival, &device->source))
		return TRUE;
	if (!any_configured(arrival))
		return FALSE;
	return device->kind == VFERRY_DOMAIN_INTERFACE || device->vf || !is_here(&device->source);
}

static void make_wishes(Arrival *arrival)
{
	arrival->devices = g_array_new(FALSE, FALSE, sizeof(guint));
	arrival->wishes = g_array_new(FALSE, FALSE, sizeof(VferryDestinationWish));
	for (guint i = 0; i < arrival->domain->devices->len; i++) {
		const VferryDomainDevice *device = arrival->domain->devices->pdata[i];
		const VferryDestinationWish wish = {
			device->source, device->vf ? device->vf->network : NULL, device->managed,
		};

		if (!is_ours(arrival, device))
			continue;
		g_array_append_val(arrival->devices, i);
		g_array_append_val(arrival->wishes, wish);
	}
	arrival->chosen = g_new0(guint, arrival->wishes->len + 1);
}

/*
 * The driver that the XML has to name here; NULL: what it says, or does not say, is right.
 * The source's driver may not be there. Where the configuration forces one that libvirt
 * would not choose, the XML has to tell libvirt.
 */
static gboolean choose_model(const VferryAliases *aliases, const VferryVf *vf,
			     const VferryPfConfig *config, const VferryDomainDevice *device,
			     char **ret, GError **error)
{
	g_auto(VferryChoice) choice = { 0 };

	*ret = NULL;
	if (device->driver_model &&
	    vferry_choose_driver(aliases, vf, config, device->driver_model, &choice, NULL))
		return TRUE;
	if (!vferry_choose_driver(aliases, vf, config, NULL, &choice, error))
		return FALSE;
	if (!choice.driver)
		*ret = g_strdup(vf->driver);
	else if (choice.needs_vfio)
		*ret = g_steal_pointer(&choice.driver);
	return TRUE;
}

static gboolean needs_model(const VferryDomainDevice *device, const VferryPfConfig *config)
{
	return device->driver_model ||
	       (device->managed && config->driver == VFERRY_CONFIG_DRIVER_FORCE);
}

/* @models: gets the name or NULL for each wish */
static gboolean choose_models(const Arrival *arrival, GPtrArray *models, GError **error)
{
	g_autoptr(VferryAliases) aliases = NULL;

	for (guint i = 0; i < arrival->wishes->len; i++) {
		const VferryVf *vf = vf_of(arrival, i)->vf;
		const VferryPfConfig *config =
			vferry_config_for_pf(arrival->config, &vf->pf->address,
					     vf->pf->interfaces, vf->pf->vendor, vf->pf->device);
		g_autofree char *path = NULL;

		g_ptr_array_add(models, NULL);
		if (!needs_model(device_of(arrival, i), config))
			continue;
		if (!aliases) {
			path = vferry_aliases_path();
			aliases = vferry_aliases_load(path, error);
		}
		if (!aliases || !choose_model(aliases, vf, config, device_of(arrival, i),
					      (char **)&models->pdata[i], error))
			return FALSE;
	}
	return TRUE;
}

/* @ret: the new text, NULL where nothing changes. */
static gboolean write_text(const Arrival *arrival, char **ret, gsize *ret_length, GError **error)
{
	const guint n = arrival->wishes->len;
	g_autofree VferryDomainChange *changes = g_new0(VferryDomainChange, n + 1);
	g_autoptr(GPtrArray) models = g_ptr_array_new_with_free_func(g_free);
	gsize used = 0;

	*ret = NULL;
	if (!choose_models(arrival, models, error))
		return FALSE;
	for (guint i = 0; i < n; i++) {
		const VferryAddress *address = &vf_of(arrival, i)->vf->address;
		const VferryDomainDevice *device = device_of(arrival, i);
		const gboolean moves = !vferry_address_equal(address, &device->source);
		const char *model = models->pdata[i];

		if (g_strcmp0(model, device->driver_model) == 0)
			model = NULL;
		if (moves || model)
			changes[used++] = (VferryDomainChange){
				g_array_index(arrival->devices, guint, i), moves ? address : NULL,
				model,
			};
	}
	if (!used)
		return TRUE;
	*ret = vferry_domain_change(arrival->domain, changes, used, ret_length, error);
	return *ret != NULL;
}

static gboolean is_chosen(const Arrival *arrival, const VferryAddress *address)
{
	for (guint i = 0; i < arrival->wishes->len; i++)
		if (vferry_address_equal(&vf_of(arrival, i)->vf->address, address))
			return TRUE;
	return FALSE;
}

/*
 * An earlier try to bring the domain here may have left claims on other VFs. A claim that it
 * runs with stays: then it is here, and libvirt will refuse it.
 */
static void drop_earlier(const Arrival *arrival, VferryClaims *claims)
{
	g_autoptr(GPtrArray) all = vferry_claims_list(claims, NULL);

	for (guint i = 0; all && i < all->len; i++) {
		const VferryClaim *claim = all->pdata[i];

		if (!vferry_claim_blocks(claim, arrival->domain->uuid) &&
		    claim->purpose != VFERRY_CLAIM_RUNNING &&
		    !is_chosen(arrival, &claim->address))
			guest_claim_release(claims, claim, FALSE);
	}
}

static gboolean claim(const Arrival *arrival, guint wish, VferryClaims *claims,
		      const VferryInstant *now, GError **error)
{
	const VferryDestinationVf *vf = vf_of(arrival, wish);
	const VferryDomain *domain = arrival->domain;
	g_autoptr(VferryClaim) new_claim = vferry_claim_new(
		&vf->vf->address, domain->uuid, domain->name, VFERRY_CLAIM_INCOMING, now);
	g_autoptr(VferryClaim) earlier = vferry_claims_lookup(claims, &vf->vf->address);

	if (earlier && !vferry_claim_blocks(earlier, domain->uuid))
		guest_claim_inherit(new_claim, earlier);
	new_claim->lifetime = vferry_config_host(arrival->config)->claim_lifetime;
	new_claim->xml_address = device_of(arrival, wish)->source;
	new_claim->network = g_strdup(vf->network);
	return vferry_claims_put(claims, new_claim, error);
}

static gboolean claim_all(const Arrival *arrival, VferryClaims *claims, const VferryInstant *now,
			  GError **error)
{
	drop_earlier(arrival, claims);
	for (guint i = 0; i < arrival->wishes->len; i++) {
		if (claim(arrival, i, claims, now, error))
			continue;
		while (i-- > 0)
			vferry_claims_remove(claims, &vf_of(arrival, i)->vf->address,
					     arrival->domain->uuid, NULL);
		return FALSE;
	}
	return TRUE;
}

static void tell(const Arrival *arrival)
{
	for (guint i = 0; i < arrival->wishes->len; i++) {
		const VferryAddress *to = &vf_of(arrival, i)->vf->address;
		const VferryAddress *from = &device_of(arrival, i)->source;
		char to_text[VFERRY_ADDRESS_TEXT_SIZE], from_text[VFERRY_ADDRESS_TEXT_SIZE];

		if (!vferry_address_equal(to, from))
			journal_notice("it comes with VF %s and gets %s",
				       vferry_address_text(from, from_text),
				       vferry_address_text(to, to_text));
	}
}

static gboolean arrive(Arrival *arrival, VferryClaims *claims, char **ret, gsize *ret_length,
		       GError **error)
{
	g_autoptr(VferryInventory) inventory = NULL;
	g_autofree char *text = NULL;
	VferryInstant now;

	if (!vferry_instant_now(&now, error))
		return FALSE;
	guest_claims_mend(claims, &now, NULL);
	inventory = vferry_inventory_scan(error);
	if (!inventory)
		return FALSE;
	arrival->vfs = host_vfs_look(inventory, arrival->config, claims, arrival->domain->uuid,
				     error);
	if (!arrival->vfs)
		return FALSE;
	make_wishes(arrival);
	if (!vferry_destination_choose(arrival->vfs, arrival->wishes, arrival->domain->numa_nodes,
				       arrival->domain->orchestrator, arrival->chosen, error) ||
	    !write_text(arrival, &text, ret_length, error) ||
	    !claim_all(arrival, claims, &now, error))
		return FALSE;
	tell(arrival);
	*ret = g_steal_pointer(&text);
	return TRUE;
}

static gboolean names_device(const VferryDomain *domain)
{
	for (guint i = 0; i < domain->devices->len; i++) {
		const VferryDomainDevice *device = domain->devices->pdata[i];

		if (device->kind != VFERRY_DOMAIN_NETWORK)
			return TRUE;
	}
	return FALSE;
}

gboolean operation_incoming(const VferryDomain *domain, const char *extra, GError **error)
{
	g_autoptr(VferryConfig) config = NULL;
	g_autoptr(VferryClaims) claims = NULL;
	g_auto(Arrival) arrival = { .domain = domain };
	g_autofree char *text = NULL;
	gsize length = 0;

	(void)extra;
	if (!names_device(domain))
		return TRUE;
	config = vferry_config_load(VFERRY_CONFIG_FILE, VFERRY_CONFIG_FOLDER, error);
	if (!config)
		return FALSE;
	arrival.config = config;
	claims = vferry_claims_open(VFERRY_CLAIMS_FOLDER, OPERATION_LOCK_MS, error);
	if (!claims || !arrive(&arrival, claims, &text, &length, error))
		return FALSE;
	g_clear_pointer(&claims, vferry_claims_close);
	return !text || output_write(text, length, error);
}
