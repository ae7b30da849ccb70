/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table with aligned columns, the first of which shows a tree of two levels, for
 * people. libsmartcols takes 14 microseconds a row, which is half of what `vferry list` may take.
 */
#ifndef VFERRY_TABLE_H
#define VFERRY_TABLE_H

#include <glib.h>

/** TableColour - of a cell, on a terminal that has colours */
typedef enum {
	TABLE_PLAIN,
	TABLE_GREEN,
	TABLE_YELLOW,
	TABLE_RED,
	TABLE_BOLD,
	TABLE_COLOURS,
} TableColour;

/**
 * TableColumn - a column
 * @title: its heading
 * @right: aligned to the right
 */
typedef struct {
	const char *title;
	gboolean right;
} TableColumn;

typedef struct Table Table;

/** table_new() - @columns: @n of them, to be there as long as the table */
Table *table_new(const TableColumn *columns, guint n);

/** table_add_row() - @is_child: of the last row that is none. Its cells are empty */
void table_add_row(Table *table, gboolean is_child);

/** table_set() - a cell of the row added last; what cannot be printed becomes "?" */
void table_set(Table *table, guint column, const char *text, TableColour colour);

/** table_print() - to standard output */
void table_print(const Table *table);

void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

#endif
