/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "survey.h"

#include "device.h"
#include "error.h"
#include "sysfs.h"

#include <string.h>

static void pf_free(gpointer data)
{
	SurveyedPf *surveyed = data;

	vferry_pf_free(surveyed->pf);
	g_array_unref(surveyed->vfs);
	g_free(surveyed->vf_modalias);
	g_free(surveyed);
}

static GHashTable *new_map(void)
{
	return g_hash_table_new_full(vferry_address_hash, vferry_address_equal, g_free, NULL);
}

static Survey *survey_new(void)
{
	Survey *survey = g_new0(Survey, 1);

	survey->pfs = g_ptr_array_new_with_free_func(pf_free);
	survey->problems = g_ptr_array_new_with_free_func(g_free);
	survey->drivers = new_map();
	survey->interfaces = new_map();
	survey->names = g_string_chunk_new(4096);
	return survey;
}

void survey_free(Survey *survey)
{
	g_ptr_array_unref(survey->pfs);
	g_ptr_array_unref(survey->problems);
	g_hash_table_unref(survey->drivers);
	g_hash_table_unref(survey->interfaces);
	g_string_chunk_free(survey->names);
	g_free(survey);
}

static void put(Survey *survey, GHashTable *map, const VferryAddress *address, const char *name)
{
	g_hash_table_insert(map, g_memdup2(address, sizeof(*address)),
			    g_string_chunk_insert_const(survey->names, name));
}

/* None where the folder cannot be read, which is a problem. */
static GPtrArray *read_names(Survey *survey, const VferryFolder *folder, const char *name)
{
	g_autoptr(GError) problem = NULL;
	GPtrArray *names = vferry_folder_names(folder, name, &problem);

	if (names)
		return names;
	vferry_device_note(survey->problems, problem);
	return g_ptr_array_new();
}

/* Folder @driver of all drivers: a link for each of its devices, named by the address. */
static void read_driver(Survey *survey, const VferryFolder *drivers, const char *driver)
{
	g_autoptr(GPtrArray) names = read_names(survey, drivers, driver);
	VferryAddress address;

	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);

		if (g_ascii_isxdigit(*name) && strchr(name, ':') &&
		    vferry_address_parse(name, &address, NULL))
			put(survey, survey->drivers, &address, driver);
	}
}

static void read_drivers(Survey *survey)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_autoptr(GPtrArray) names = NULL;

	if (!vferry_folder_open(NULL, VFERRY_SYSFS_PCI_DRIVERS, &folder, NULL))
		return;
	names = read_names(survey, &folder, ".");
	for (guint i = 0; i < names->len; i++)
		read_driver(survey, &folder, g_ptr_array_index(names, i));
}

/* Each interface's link "device" leads to what it is the interface of. */
static void read_interface(Survey *survey, const VferryFolder *class, const char *name)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_autofree char *device = NULL;
	VferryAddress address;

	if (vferry_folder_open(class, name, &folder, NULL) &&
	    vferry_folder_link(&folder, "device", &device, NULL) && device &&
	    vferry_address_parse(device, &address, NULL))
		put(survey, survey->interfaces, &address, name);
}

static int by_text(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* From the last to the first: of several of one device the first stays. */
static void read_interfaces(Survey *survey)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_autoptr(GPtrArray) names = NULL;

	if (!vferry_folder_open(NULL, VFERRY_SYSFS_NET, &folder, NULL))
		return;
	names = read_names(survey, &folder, ".");
	g_ptr_array_sort(names, by_text);
	for (guint i = names->len; i > 0; i--)
		read_interface(survey, &folder, g_ptr_array_index(names, i - 1));
}

static int read_iommu_group(const VferryFolder *pf, guint index)
{
	g_autofree char *name = NULL;
	guint64 number;
	char link[32];

	g_snprintf(link, sizeof(link), "virtfn%u/iommu_group", index);
	if (!vferry_folder_link(pf, link, &name, NULL) || !name ||
	    !g_ascii_string_to_unsigned(name, 10, 0, G_MAXINT, &number, NULL))
		return -1;
	return (int)number;
}

static void add_vf(const Survey *survey, const VferryFolder *folder, const VferryVirtfn *virtfn,
		   GArray *vfs)
{
	const SurveyedVf vf = {
		.address = virtfn->address,
		.index = virtfn->index,
		.driver = g_hash_table_lookup(survey->drivers, &virtfn->address),
		.interface = g_hash_table_lookup(survey->interfaces, &virtfn->address),
		.iommu_group = read_iommu_group(folder, virtfn->index),
	};

	g_array_append_val(vfs, vf);
}

static gboolean read_ids(const VferryFolder *bus, const VferryAddress *first, SurveyedPf *surveyed,
			 GError **error)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	VferryDeviceIds ids;

	if (!vferry_device_open(bus, first, &folder, error) ||
	    !vferry_device_read_ids(&folder, &ids, error))
		return FALSE;
	surveyed->vf_vendor = ids.vendor;
	surveyed->vf_device = ids.device;
	surveyed->vf_modalias = ids.modalias;
	return TRUE;
}

static void read_vfs(Survey *survey, const VferryFolder *bus, const VferryFolder *folder,
		     const GArray *virtfns, SurveyedPf *surveyed)
{
	g_autoptr(GError) problem = NULL;

	if (virtfns->len > 0 &&
	    !read_ids(bus, &g_array_index(virtfns, VferryVirtfn, 0).address, surveyed, &problem))
		vferry_device_note(survey->problems, problem);
	for (guint i = 0; i < virtfns->len; i++)
		add_vf(survey, folder, &g_array_index(virtfns, VferryVirtfn, i), surveyed->vfs);
}

/* Its VFs are put into @seen, also where the PF cannot be read. */
static gboolean read_pf(Survey *survey, const VferryFolder *bus, const VferryAddress *address,
			GHashTable *seen, GError **error)
{
	g_auto(VferryFolder) folder = VFERRY_FOLDER_INIT;
	g_autoptr(GArray) virtfns = NULL;
	SurveyedPf *surveyed;
	VferryPf *pf;

	if (!vferry_device_open(bus, address, &folder, error))
		return FALSE;
	if (!vferry_folder_has(&folder, "sriov_totalvfs"))
		return TRUE;
	virtfns = vferry_pf_read_virtfns(&folder, survey->problems, error);
	if (!virtfns)
		return FALSE;
	for (guint i = 0; i < virtfns->len; i++)
		g_hash_table_add(seen, g_memdup2(&g_array_index(virtfns, VferryVirtfn, i).address,
						 sizeof(VferryAddress)));
	pf = vferry_pf_read_folder(&folder, address, virtfns->len, error);
	if (!pf)
		return FALSE;
	surveyed = g_new0(SurveyedPf, 1);
	surveyed->pf = pf;
	surveyed->vfs = g_array_sized_new(FALSE, FALSE, sizeof(SurveyedVf), virtfns->len);
	read_vfs(survey, bus, &folder, virtfns, surveyed);
	g_ptr_array_add(survey->pfs, surveyed);
	return TRUE;
}

/* The addresses of all PCI devices, sorted: a PF comes before most of its VFs. */
static GArray *read_addresses(const VferryFolder *bus, GError **error)
{
	g_autoptr(GPtrArray) names = vferry_folder_names(bus, ".", error);
	GArray *addresses;

	if (!names)
		return NULL;
	addresses = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	for (guint i = 0; i < names->len; i++) {
		VferryAddress address;

		if (vferry_address_parse(g_ptr_array_index(names, i), &address, NULL))
			g_array_append_val(addresses, address);
	}
	g_array_sort(addresses, vferry_address_compare);
	return addresses;
}

Survey *survey_read(GError **error)
{
	g_autoptr(Survey) survey = survey_new();
	g_autoptr(GHashTable) seen = new_map();
	g_auto(VferryFolder) bus = VFERRY_FOLDER_INIT;
	g_autoptr(GArray) addresses = NULL;

	if (!vferry_device_open_bus(&bus, error))
		return NULL;
	addresses = read_addresses(&bus, error);
	if (!addresses)
		return NULL;
	read_drivers(survey);
	read_interfaces(survey);
	for (guint i = 0; i < addresses->len; i++) {
		const VferryAddress *address = &g_array_index(addresses, VferryAddress, i);
		g_autoptr(GError) problem = NULL;

		if (!g_hash_table_contains(seen, address) &&
		    !read_pf(survey, &bus, address, seen, &problem))
			vferry_device_note(survey->problems, problem);
	}
	return g_steal_pointer(&survey);
}
