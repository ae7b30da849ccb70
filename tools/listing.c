/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listing.h"

static void pf_free(gpointer data)
{
	ListedPf *pf = data;

	g_array_unref(pf->vfs);
	g_free(pf);
}

Listing *listing_new(void)
{
	Listing *listing = g_new0(Listing, 1);

	listing->pfs = g_ptr_array_new_with_free_func(pf_free);
	listing->notes = g_ptr_array_new_with_free_func(g_free);
	listing->texts = g_string_chunk_new(4096);
	return listing;
}

void listing_free(Listing *listing)
{
	g_ptr_array_unref(listing->pfs);
	g_ptr_array_unref(listing->notes);
	g_string_chunk_free(listing->texts);
	g_free(listing);
}

const char *listing_text(Listing *listing, const char *text)
{
	return text ? g_string_chunk_insert_const(listing->texts, text) : NULL;
}

ListedPf *listing_add_pf(Listing *listing, const VferryAddress *address)
{
	ListedPf *pf = g_new0(ListedPf, 1);

	pf->self = (Listed){ .address = *address, .iommu_group = -1, .numa_node = -1 };
	pf->total_vfs = -1;
	pf->vfs = g_array_new(FALSE, FALSE, sizeof(Listed));
	g_ptr_array_add(listing->pfs, pf);
	return pf;
}

Listed *listing_add_vf(ListedPf *pf, const VferryAddress *address)
{
	const Listed vf = { .address = *address, .iommu_group = -1, .numa_node = -1 };

	g_array_append_val(pf->vfs, vf);
	return &g_array_index(pf->vfs, Listed, pf->vfs->len - 1);
}

static void add_user(Listing *listing, const Domains *domains, Listed *vf)
{
	const Domain *domain = domains_user(domains, &vf->address);

	if (domain)
		vf->user = (ListedUser){
			listing_text(listing, domain->name), listing_text(listing, domain->uuid),
			"running",
		};
}

void listing_add_users(Listing *listing, const Domains *domains)
{
	for (guint i = 0; i < listing->pfs->len; i++) {
		const ListedPf *pf = g_ptr_array_index(listing->pfs, i);

		for (guint j = 0; j < pf->vfs->len; j++)
			add_user(listing, domains, &g_array_index(pf->vfs, Listed, j));
	}
	for (guint i = 0; i < domains->problems->len; i++)
		g_ptr_array_add(listing->notes, g_strdup(domains->problems->pdata[i]));
	listing->knows_users = TRUE;
}
