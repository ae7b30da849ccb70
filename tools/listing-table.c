/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Made for 80 columns: the segment is left out where all devices are in 0000, as
 * lspci(8) does, and a VF on its best driver has "=" there.
 */
#include "listing.h"

#include "module-name.h"
#include "table.h"

typedef enum {
	COLUMN_ADDRESS,
	COLUMN_DRIVER,
	COLUMN_BEST,
	COLUMN_MIGRATABLE,
	COLUMN_NETWORK,
	COLUMN_IOMMU,
	COLUMN_NUMA,
	COLUMN_MAC,
	COLUMN_USER,
	COLUMNS,
} Column;

static const TableColumn columns[COLUMNS] = {
	[COLUMN_ADDRESS] = { "ADDRESS", FALSE },
	[COLUMN_DRIVER] = { "DRIVER", FALSE },
	[COLUMN_BEST] = { "BEST", FALSE },
	[COLUMN_MIGRATABLE] = { "MIGR", FALSE },
	[COLUMN_NETWORK] = { "NETWORK", FALSE },
	[COLUMN_IOMMU] = { "IOMMU", TRUE },
	[COLUMN_NUMA] = { "NUMA", TRUE },
	[COLUMN_MAC] = { "MAC", FALSE },
	[COLUMN_USER] = { "USED BY", FALSE },
};

typedef struct {
	Table *table;
	guint address_start;	/* characters of an address that are left out */
} Printer;

static void set_text(const Printer *printer, Column column, const char *text)
{
	table_set(printer->table, column, text ? text : "-", TABLE_PLAIN);
}

static void set_number(const Printer *printer, Column column, int number)
{
	char text[16];

	g_snprintf(text, sizeof(text), "%d", number);
	set_text(printer, column, number < 0 ? NULL : text);
}

static void set_mac(const Printer *printer, const Listed *listed)
{
	const guint8 *mac = listed->mac;
	char text[18];

	if (listed->has_mac)
		g_snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			   mac[2], mac[3], mac[4], mac[5]);
	set_text(printer, COLUMN_MAC, listed->has_mac ? text : NULL);
}

/* The host uses what has a network interface, under that name. */
static void set_user(const Printer *printer, const Listed *listed)
{
	const ListedUser *user = &listed->user;
	g_autofree char *text = NULL;

	if (!user->name) {
		set_text(printer, COLUMN_USER, listed->interface);
	} else if (!user->purpose || g_str_equal(user->purpose, "running")) {
		set_text(printer, COLUMN_USER, user->name);
	} else {
		text = g_strdup_printf("%s (%s)", user->name, user->purpose);
		set_text(printer, COLUMN_USER, text);
	}
}

static void set_common(const Printer *printer, const Listed *listed)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&listed->address, address);
	set_text(printer, COLUMN_ADDRESS, address + printer->address_start);
	set_text(printer, COLUMN_DRIVER, listed->driver);
	set_text(printer, COLUMN_NETWORK, listed->network);
	set_number(printer, COLUMN_IOMMU, listed->iommu_group);
	set_number(printer, COLUMN_NUMA, listed->numa_node);
	set_mac(printer, listed);
	set_user(printer, listed);
}

static const char *best_driver_text(const Listed *vf)
{
	if (vf->best_driver && vf->driver && vferry_module_name_equal(vf->driver, vf->best_driver))
		return "=";
	return vf->best_driver;
}

static void set_migratable(const Printer *printer, const Listed *vf)
{
	static const struct {
		const char *text;
		TableColour colour;
	} looks[] = {
		[MIGRATABLE_UNKNOWN] = { "?", TABLE_YELLOW },
		[MIGRATABLE_NO] = { "no", TABLE_RED },
		[MIGRATABLE_YES] = { "yes", TABLE_GREEN },
	};

	if (vf->is_judged)
		table_set(printer->table, COLUMN_MIGRATABLE, looks[vf->migratable].text,
			  looks[vf->migratable].colour);
	else
		set_text(printer, COLUMN_MIGRATABLE, NULL);
}

static void add_vf(const Printer *printer, const Listed *vf)
{
	table_add_row(printer->table, TRUE);
	set_common(printer, vf);
	set_text(printer, COLUMN_BEST, best_driver_text(vf));
	set_migratable(printer, vf);
}

static void add_pf(const Printer *printer, const ListedPf *pf)
{
	table_add_row(printer->table, FALSE);
	set_common(printer, &pf->self);
	set_text(printer, COLUMN_BEST, NULL);
	set_text(printer, COLUMN_MIGRATABLE, NULL);
	for (guint i = 0; i < pf->vfs->len; i++)
		add_vf(printer, &g_array_index(pf->vfs, Listed, i));
}

static gboolean is_in_one_segment(const Listing *listing)
{
	for (guint i = 0; i < listing->pfs->len; i++) {
		const ListedPf *pf = g_ptr_array_index(listing->pfs, i);

		if (pf->self.address.domain != 0)
			return FALSE;
	}
	return TRUE;
}

void listing_print_table(const Listing *listing)
{
	g_autoptr(Table) table = table_new(columns, COLUMNS);
	const Printer printer = {
		.table = table,
		.address_start = is_in_one_segment(listing) ? sizeof("0000:") - 1 : 0,
	};

	for (guint i = 0; i < listing->pfs->len; i++)
		add_pf(&printer, g_ptr_array_index(listing->pfs, i));
	table_print(table);
}
