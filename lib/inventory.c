/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inventory.h"

#include "device.h"
#include "error.h"

/* The PF of a VF, and what the PF's links say of it. */
typedef struct {
	VferryFolder folder;
	VferryAddress address;
	guint numvfs;
	guint index;
} Parent;

#define PARENT_INIT { .folder = VFERRY_FOLDER_INIT }

static void close_parent(Parent *parent)
{
	vferry_folder_close(&parent->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parent, close_parent)

/* Where a VF belongs, by its own link and by its PF's. */
static gboolean find_parent(const VferryFolder *bus, const VferryFolder *folder,
			    const VferryAddress *address, Parent *ret, GError **error)
{
	g_autoptr(GArray) virtfns = NULL;

	if (!vferry_device_read_link(folder, "physfn", &ret->address, error))
		return FALSE;
	if (!vferry_device_open(bus, &ret->address, &ret->folder, error)) {
		g_prefix_error(error, "%s/physfn: ", folder->path);
		vferry_device_judge(folder, error);
		return FALSE;
	}
	virtfns = vferry_pf_read_virtfns(&ret->folder, NULL, error);
	if (!virtfns)
		return FALSE;
	ret->numvfs = virtfns->len;
	for (guint i = 0; i < virtfns->len; i++) {
		const VferryVirtfn *virtfn = &g_array_index(virtfns, VferryVirtfn, i);

		ret->index = virtfn->index;
		if (vferry_address_equal(&virtfn->address, address))
			return TRUE;
	}
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "%s: its physfn leads to %s, which has no virtfnN that leads here",
		    folder->path, ret->folder.path);
	vferry_device_judge(folder, error);
	return FALSE;
}

VferryVf *vferry_vf_read(const VferryAddress *address, GError **error)
{
	g_auto(VferryFolder) bus = VFERRY_FOLDER_INIT;
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_auto(Parent) parent = PARENT_INIT;
	g_autoptr(VferryPf) pf = NULL;
	VferryVf *vf;

	if (!vferry_device_open_bus(&bus, error) ||
	    !vferry_device_open(&bus, address, &folder, error))
		return NULL;
	if (!vferry_folder_has(&folder, "physfn")) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "%s is no VF: it has no physfn", folder.path);
		return NULL;
	}
	if (!find_parent(&bus, &folder, address, &parent, error))
		return NULL;
	pf = vferry_pf_read_folder(&parent.folder, &parent.address, parent.numvfs, error);
	if (!pf)
		return NULL;
	vf = vferry_vf_read_folder(&folder, address, parent.index, pf, error);
	if (!vf)
		return NULL;
	vf->owns_pf = TRUE;
	g_steal_pointer(&pf);
	return vf;
}

/* VFs by address; one that a PF claims and that is not (yet) read is in it with NULL. */
static GHashTable *new_vfs(void)
{
	return g_hash_table_new_full(vferry_address_hash, vferry_address_equal, g_free, NULL);
}

static void put_vf(GHashTable *vfs, const VferryAddress *address, VferryVf *vf)
{
	g_hash_table_insert(vfs, g_memdup2(address, sizeof(*address)), vf);
}

static void claim_virtfns(GHashTable *vfs, const GArray *virtfns)
{
	for (guint i = 0; i < virtfns->len; i++) {
		const VferryVirtfn *virtfn = &g_array_index(virtfns, VferryVirtfn, i);

		if (!g_hash_table_contains(vfs, &virtfn->address))
			put_vf(vfs, &virtfn->address, NULL);
	}
}

static VferryVf *read_virtfn(const VferryFolder *bus, const VferryVirtfn *virtfn, VferryPf *pf,
			     const VferryVf *twin, GError **error)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;

	if (!vferry_device_open(bus, &virtfn->address, &folder, error))
		return NULL;
	if (twin && twin->pf == pf) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s: both virtfn%u and virtfn%u of its PF lead here", folder.path,
			    twin->index, virtfn->index);
		return NULL;
	}
	return vferry_vf_read_folder(&folder, &virtfn->address, virtfn->index, pf, error);
}

/* A PF with its VFs, which are put into @vfs. */
static VferryPf *read_pf(const VferryFolder *bus, const VferryFolder *folder,
			 const VferryAddress *address, GHashTable *vfs, GPtrArray *problems,
			 GError **error)
{
	g_autoptr(GArray) virtfns = vferry_pf_read_virtfns(folder, problems, error);
	VferryPf *pf;

	if (!virtfns)
		return NULL;
	claim_virtfns(vfs, virtfns);
	pf = vferry_pf_read_folder(folder, address, virtfns->len, error);
	if (!pf)
		return NULL;
	for (guint i = 0; i < virtfns->len; i++) {
		const VferryVirtfn *virtfn = &g_array_index(virtfns, VferryVirtfn, i);
		const VferryVf *twin = g_hash_table_lookup(vfs, &virtfn->address);
		g_autoptr(GError) problem = NULL;
		VferryVf *vf = read_virtfn(bus, virtfn, pf, twin, &problem);

		if (!vf) {
			vferry_device_note(problems, problem);
			continue;
		}
		put_vf(vfs, &virtfn->address, vf);
		g_ptr_array_add(pf->vfs, vf);
	}
	return pf;
}

VferryPf *vferry_pf_read(const VferryAddress *address, GPtrArray *problems, GError **error)
{
	g_auto(VferryFolder) bus = VFERRY_FOLDER_INIT;
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_autoptr(GHashTable) vfs = new_vfs();

	if (!vferry_device_open_bus(&bus, error) ||
	    !vferry_device_open(&bus, address, &folder, error))
		return NULL;
	if (!vferry_folder_has(&folder, "sriov_totalvfs")) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "%s is no PF: it has no SR-IOV", folder.path);
		return NULL;
	}
	return read_pf(&bus, &folder, address, vfs, problems, error);
}

/* The addresses of all PCI devices, sorted: a PF comes before its VFs. */
static GArray *read_addresses(const VferryFolder *bus, GPtrArray *problems, GError **error)
{
	g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	g_autoptr(GPtrArray) names = vferry_folder_names(bus, ".", error);

	if (!names)
		return NULL;
	for (guint i = 0; i < names->len; i++) {
		g_autoptr(GError) problem = NULL;
		VferryAddress address;

		if (vferry_address_parse(names->pdata[i], &address, &problem)) {
			g_array_append_val(addresses, address);
			continue;
		}
		g_prefix_error(&problem, "%s: ", bus->path);
		vferry_device_note(problems, problem);
	}
	g_array_sort(addresses, vferry_address_compare);
	return g_steal_pointer(&addresses);
}

/* Takes a PF with its VFs; puts off a VF that no PF has claimed. */
static gboolean scan_device(VferryInventory *inventory, const VferryFolder *bus,
			    const VferryAddress *address, GArray *strays, GError **error)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	VferryPf *pf;

	if (g_hash_table_contains(inventory->vfs, address))
		return TRUE;
	if (!vferry_device_open(bus, address, &folder, error))
		return FALSE;
	if (vferry_folder_has(&folder, "physfn")) {
		g_array_append_val(strays, *address);
		return TRUE;
	}
	if (!vferry_folder_has(&folder, "sriov_totalvfs"))
		return TRUE;
	pf = read_pf(bus, &folder, address, inventory->vfs, inventory->problems, error);
	if (!pf)
		return FALSE;
	g_ptr_array_add(inventory->pfs, pf);
	return TRUE;
}

/*
 * Whether the links of a VF that was put off are right: then it was made after
 * its PF was read, and is left out as if the scan had been a moment earlier.
 */
static gboolean check_stray(const VferryFolder *bus, const VferryAddress *address, GError **error)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_auto(Parent) parent = PARENT_INIT;

	return vferry_device_open(bus, address, &folder, error) &&
	       find_parent(bus, &folder, address, &parent, error);
}

static void scan_bus(VferryInventory *inventory, const VferryFolder *bus, const GArray *addresses)
{
	g_autoptr(GArray) strays = g_array_new(FALSE, FALSE, sizeof(VferryAddress));

	for (guint i = 0; i < addresses->len; i++) {
		const VferryAddress *address = &g_array_index(addresses, VferryAddress, i);
		g_autoptr(GError) problem = NULL;

		if (!scan_device(inventory, bus, address, strays, &problem))
			vferry_device_note(inventory->problems, problem);
	}
	for (guint i = 0; i < strays->len; i++) {
		const VferryAddress *address = &g_array_index(strays, VferryAddress, i);
		g_autoptr(GError) problem = NULL;

		if (!check_stray(bus, address, &problem))
			vferry_device_note(inventory->problems, problem);
	}
}

VferryInventory *vferry_inventory_scan(GError **error)
{
	g_autoptr(VferryInventory) inventory = g_new0(VferryInventory, 1);
	g_autoptr(GArray) addresses = NULL;
	g_auto(VferryFolder) bus = VFERRY_FOLDER_INIT;

	inventory->pfs = g_ptr_array_new_with_free_func((GDestroyNotify)vferry_pf_free);
	inventory->problems = g_ptr_array_new_with_free_func(g_free);
	inventory->vfs = new_vfs();
	if (!vferry_device_open_bus(&bus, error))
		return NULL;
	addresses = read_addresses(&bus, inventory->problems, error);
	if (!addresses)
		return NULL;
	scan_bus(inventory, &bus, addresses);
	return g_steal_pointer(&inventory);
}

void vferry_inventory_free(VferryInventory *inventory)
{
	if (!inventory)
		return;
	g_hash_table_unref(inventory->vfs);
	g_ptr_array_unref(inventory->pfs);
	g_ptr_array_unref(inventory->problems);
	g_free(inventory);
}

VferryPf *vferry_inventory_pf(const VferryInventory *inventory, const VferryAddress *address)
{
	for (guint i = 0; i < inventory->pfs->len; i++) {
		VferryPf *pf = inventory->pfs->pdata[i];

		if (vferry_address_equal(&pf->address, address))
			return pf;
	}
	return NULL;
}

VferryPf *vferry_inventory_pf_by_interface(const VferryInventory *inventory, const char *name)
{
	for (guint i = 0; i < inventory->pfs->len; i++) {
		VferryPf *pf = inventory->pfs->pdata[i];

		if (g_strv_contains((const char *const *)pf->interfaces, name))
			return pf;
	}
	return NULL;
}

VferryVf *vferry_inventory_vf(const VferryInventory *inventory, const VferryAddress *address)
{
	return g_hash_table_lookup(inventory->vfs, address);
}
