/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-vfs.h"

#include "pool-vfs.h"
#include "vf-user.h"
#include "vfio.h"

static void vf_clear(gpointer vf)
{
	VferryDestinationVf *entry = vf;

	g_free(entry->taken);
	g_free(entry->pool);
}

static int by_address(gconstpointer left, gconstpointer right)
{
	const VferryDestinationVf *a = left, *b = right;

	return vferry_address_compare(&a->vf->address, &b->vf->address);
}

static void add_vfs(GArray *vfs, const VferryPf *pf, const VferryPfConfig *config)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = pf->vfs->pdata[i];
		g_autofree char *user = vferry_vf_network_user(vf);
		const VferryDestinationVf entry = {
			.vf = vf,
			.network = config->network,
			.configured = config->configured,
			.bindable = config->configured &&
				    config->driver != VFERRY_CONFIG_DRIVER_KEEP,
			.host_uses = user != NULL,
		};

		g_array_append_val(vfs, entry);
	}
}

static void note_pools(GArray *vfs)
{
	g_autoptr(GHashTable) pools = pool_vfs_read(POOL_VFS_FOLDER);

	for (guint i = 0; i < vfs->len; i++) {
		VferryDestinationVf *vf = &g_array_index(vfs, VferryDestinationVf, i);

		vf->pool = g_strdup(g_hash_table_lookup(pools, &vf->vf->address));
	}
}

static GArray *list_vfs(const VferryInventory *inventory, VferryConfig *config)
{
	GArray *vfs = g_array_new(FALSE, FALSE, sizeof(VferryDestinationVf));

	g_array_set_clear_func(vfs, vf_clear);
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const VferryPf *pf = inventory->pfs->pdata[i];

		add_vfs(vfs, pf, vferry_config_for_pf(config, &pf->address, pf->interfaces,
						      pf->vendor, pf->device));
	}
	g_array_sort(vfs, by_address);
	return vfs;
}

static gboolean note_users(GArray *vfs, GError **error)
{
	g_autofree VferryAddress *addresses = g_new(VferryAddress, vfs->len);
	g_autofree pid_t *users = g_new(pid_t, vfs->len);

	for (guint i = 0; i < vfs->len; i++)
		addresses[i] = g_array_index(vfs, VferryDestinationVf, i).vf->address;
	if (!vferry_vfio_users(addresses, vfs->len, users, error))
		return FALSE;
	for (guint i = 0; i < vfs->len; i++)
		if (users[i])
			g_array_index(vfs, VferryDestinationVf, i).taken =
				g_strdup_printf("process %d uses it", (int)users[i]);
	return TRUE;
}

static VferryDestinationVf *find(GArray *vfs, const VferryAddress *address)
{
	for (guint i = 0; i < vfs->len; i++) {
		VferryDestinationVf *vf = &g_array_index(vfs, VferryDestinationVf, i);

		if (vferry_address_equal(&vf->vf->address, address))
			return vf;
	}
	return NULL;
}

static void note_claim(VferryDestinationVf *vf, const VferryClaim *claim)
{
	g_free(vf->taken);
	if (claim->problem)
		vf->taken = g_strdup_printf("nobody can tell whose it is: %s", claim->problem);
	else
		vf->taken = g_strdup_printf("domain '%s' (%s) has claimed it", claim->name,
					    vferry_claim_purpose_text(claim->purpose));
}

GArray *host_vfs_look(const VferryInventory *inventory, VferryConfig *config,
		      VferryClaims *claims, const char *uuid, GError **error)
{
	g_autoptr(GArray) vfs = list_vfs(inventory, config);
	g_autoptr(GPtrArray) all = vferry_claims_list(claims, error);

	if (!all || !note_users(vfs, error))
		return NULL;
	note_pools(vfs);
	for (guint i = 0; i < all->len; i++) {
		const VferryClaim *claim = all->pdata[i];
		VferryDestinationVf *vf = find(vfs, &claim->address);

		if (vf && vferry_claim_blocks(claim, uuid))
			note_claim(vf, claim);
	}
	return g_steal_pointer(&vfs);
}
