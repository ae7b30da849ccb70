/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"
#include "pf.h"
#include "show.h"

static void add_pf(JsonBuilder *b, const VferryPf *pf)
{
	json_begin_object(b, "pf");
	json_add_address(b, "address", &pf->address);
	json_add_id(b, "vendor", pf->vendor);
	json_add_id(b, "device", pf->device);
	json_add_text(b, "driver", pf->driver);
	json_add_texts(b, "interfaces", (const char *const *)pf->interfaces);
	json_add_number(b, "vfs", pf->sriov_numvfs);
	json_add_number(b, "total_vfs", pf->sriov_totalvfs);
	json_add_bool(b, "drivers_autoprobe", pf->drivers_autoprobe);
	json_builder_end_object(b);
}

static void add_device(JsonBuilder *b, const VferryVf *vf)
{
	json_add_address(b, "address", &vf->address);
	json_add_number(b, "index", vf->index);
	add_pf(b, vf->pf);
	json_add_id(b, "vendor", vf->vendor);
	json_add_id(b, "device", vf->device);
	json_add_id(b, "subsystem_vendor", vf->subsystem_vendor);
	json_add_id(b, "subsystem_device", vf->subsystem_device);
	json_add_text(b, "modalias", vf->modalias);
	json_add_number(b, "iommu_group", vf->iommu_group);
	json_add_number(b, "numa_node", vf->numa_node);
	json_add_text(b, "driver", vf->driver);
	json_add_text(b, "vfio_device", vf->vfio_dev);
	json_add_text(b, "interface", vf->interface);
}

static void add_config(JsonBuilder *b, const Shown *shown)
{
	if (!shown->config->configured) {
		json_add_text(b, "configuration", NULL);
		return;
	}
	json_begin_object(b, "configuration");
	for (VferryPfKey key = 0; key < VFERRY_PF_KEYS; key++) {
		g_autofree char *value = shown_config_value(shown, key);

		json_begin_object(b, vferry_config_pf_key_name(key));
		json_add_text(b, "value", value);
		json_add_text(b, "from", shown->config->from[key]);
		json_builder_end_object(b);
	}
	json_builder_end_object(b);
}

static void add_claim(JsonBuilder *b, const Shown *shown)
{
	const VferryClaim *claim = shown->claim;

	if (!claim) {
		json_add_text(b, "claim", NULL);
		return;
	}
	json_begin_object(b, "claim");
	json_add_text(b, "problem", claim->problem);
	if (!claim->problem) {
		json_add_text(b, "uuid", claim->uuid);
		json_add_text(b, "name", claim->name);
		json_add_text(b, "purpose", vferry_claim_purpose_text(claim->purpose));
		json_add_number(b, "age", shown->claim_age);
		json_add_number(b, "lifetime", claim->lifetime ? (gint64)claim->lifetime : -1);
	}
	json_builder_end_object(b);
}

static void add_vlan(JsonBuilder *b, const VferryIdentity *identity)
{
	json_add_number(b, "vlan", identity->vlan);
	json_add_number(b, "vlan_qos", identity->qos);
	json_add_text(b, "vlan_protocol",
		      identity->vlan_protocol == VFERRY_VLAN_8021AD ? "802.1ad" : "802.1Q");
}

static void add_identity(JsonBuilder *b, const VferryIdentity *identity)
{
	static const char *const link_states[] = {
		[VFERRY_LINK_AUTO] = "auto",
		[VFERRY_LINK_ENABLE] = "enable",
		[VFERRY_LINK_DISABLE] = "disable",
	};

	json_begin_object(b, "identity");
	if (identity->parts & VFERRY_IDENTITY_MAC)
		json_add_mac(b, "mac", identity->mac);
	if (identity->parts & VFERRY_IDENTITY_VLAN)
		add_vlan(b, identity);
	if (identity->parts & VFERRY_IDENTITY_TRUST)
		json_add_bool(b, "trust", identity->trust);
	if (identity->parts & VFERRY_IDENTITY_SPOOFCHK)
		json_add_bool(b, "spoofchk", identity->spoofchk);
	if (identity->parts & VFERRY_IDENTITY_LINK)
		json_add_text(b, "link_state", link_states[identity->link_state]);
	if (identity->parts & VFERRY_IDENTITY_RATE) {
		json_add_number(b, "min_tx_rate", identity->min_tx_rate);
		json_add_number(b, "max_tx_rate", identity->max_tx_rate);
	}
	json_builder_end_object(b);
}

static void add_choice(JsonBuilder *b, const Shown *shown)
{
	json_add_texts(b, "candidates", host_candidates(shown->host, shown->vf->modalias));
	json_add_text(b, "chosen_driver", shown->has_choice ? shown->choice.driver : NULL);
	json_add_text(b, "chosen_reason", shown->has_choice ? shown->choice.reason : NULL);
}

static void add_user(JsonBuilder *b, const Shown *shown)
{
	json_add_bool(b, "libvirt_answered", shown->libvirt_answered);
	if (!shown->user) {
		json_add_text(b, "used_by", NULL);
		return;
	}
	json_begin_object(b, "used_by");
	json_add_text(b, "name", shown->user);
	json_add_text(b, "uuid", shown->user_uuid);
	json_builder_end_object(b);
}

void shown_print_json(const Shown *shown)
{
	g_autoptr(JsonBuilder) b = json_builder_new();

	json_begin_object(b, NULL);
	add_device(b, shown->vf);
	json_add_text(b, "driver_override", shown->binding.driver_override);
	add_choice(b, shown);
	json_add_text(b, "migratable", migratable_text(shown->migratable));
	json_add_text(b, "migratable_reason", shown->why);
	json_add_text(b, "devlink_migratable", shown->devlink == MIGRATABLE_UNKNOWN ?
						       NULL : migratable_text(shown->devlink));
	add_config(b, shown);
	add_claim(b, shown);
	add_user(b, shown);
	add_identity(b, &shown->identity);
	json_begin_array(b, "notes");
	for (guint i = 0; i < shown->notes->len; i++)
		json_add_text(b, NULL, shown->notes->pdata[i]);
	json_builder_end_array(b);
	json_builder_end_object(b);
	json_print(b);
}
