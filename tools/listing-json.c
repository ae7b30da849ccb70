/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"
#include "listing.h"

static void add_common(JsonBuilder *b, const Listed *listed)
{
	json_add_address(b, "address", &listed->address);
	json_add_id(b, "vendor", listed->vendor);
	json_add_id(b, "device", listed->device);
	json_add_text(b, "driver", listed->driver);
	json_add_text(b, "interface", listed->interface);
	json_add_text(b, "network", listed->network);
	json_add_mac(b, "mac", listed->has_mac ? listed->mac : NULL);
	json_add_number(b, "numa_node", listed->numa_node);
}

static void add_user(JsonBuilder *b, const ListedUser *user)
{
	if (!user->name) {
		json_add_text(b, "used_by", NULL);
		return;
	}
	json_begin_object(b, "used_by");
	json_add_text(b, "name", user->name);
	json_add_text(b, "uuid", user->uuid);
	json_add_text(b, "purpose", user->purpose);
	json_builder_end_object(b);
}

static void add_vf(JsonBuilder *b, const Listed *vf)
{
	json_begin_object(b, NULL);
	add_common(b, vf);
	json_add_text(b, "best_driver", vf->best_driver);
	json_add_text(b, "migratable", vf->is_judged ? migratable_text(vf->migratable) : NULL);
	json_add_number(b, "iommu_group", vf->iommu_group);
	add_user(b, &vf->user);
	json_builder_end_object(b);
}

static void add_pf(JsonBuilder *b, const ListedPf *pf)
{
	json_begin_object(b, NULL);
	add_common(b, &pf->self);
	json_add_number(b, "total_vfs", pf->total_vfs);
	json_begin_array(b, "vfs");
	for (guint i = 0; i < pf->vfs->len; i++)
		add_vf(b, &g_array_index(pf->vfs, Listed, i));
	json_builder_end_array(b);
	json_builder_end_object(b);
}

void listing_print_json(const Listing *listing)
{
	g_autoptr(JsonBuilder) b = json_builder_new();

	json_begin_object(b, NULL);
	json_begin_array(b, "pfs");
	for (guint i = 0; i < listing->pfs->len; i++)
		add_pf(b, g_ptr_array_index(listing->pfs, i));
	json_builder_end_array(b);
	json_add_bool(b, "libvirt_answered", listing->knows_users);
	json_begin_array(b, "notes");
	for (guint i = 0; i < listing->notes->len; i++)
		json_add_text(b, NULL, listing->notes->pdata[i]);
	json_builder_end_array(b);
	json_builder_end_object(b);
	json_print(b);
}
