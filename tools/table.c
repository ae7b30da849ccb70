/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include "terminal.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	const char *text;
	guint width;		/* columns of the terminal */
	TableColour colour;
} Cell;

struct Table {
	const TableColumn *columns;
	guint n;
	GArray *cells;		/* Cell, @n for each row */
	GArray *children;	/* gboolean, one for each row */
	GStringChunk *texts;
};

static const char *const colours[TABLE_COLOURS] = {
	[TABLE_PLAIN] = "",
	[TABLE_GREEN] = "\033[32m",
	[TABLE_YELLOW] = "\033[33m",
	[TABLE_RED] = "\033[31m",
	[TABLE_BOLD] = "\033[1m",
};

/* All are two columns wide. */
typedef struct {
	const char *branch;
	const char *last;
} Tree;

#define TREE_WIDTH 2

Table *table_new(const TableColumn *columns, guint n)
{
	Table *table = g_new0(Table, 1);

	table->columns = columns;
	table->n = n;
	table->cells = g_array_new(FALSE, TRUE, sizeof(Cell));
	table->children = g_array_new(FALSE, FALSE, sizeof(gboolean));
	table->texts = g_string_chunk_new(4096);
	return table;
}

void table_free(Table *table)
{
	g_array_unref(table->cells);
	g_array_unref(table->children);
	g_string_chunk_free(table->texts);
	g_free(table);
}

void table_add_row(Table *table, gboolean is_child)
{
	g_array_append_val(table->children, is_child);
	g_array_set_size(table->cells, table->cells->len + table->n);
}

static gboolean is_plain(const char *text)
{
	for (; *text; text++)
		if (!g_ascii_isprint(*text))
			return FALSE;
	return TRUE;
}

static guint width_of(const char *text)
{
	guint width = 0;

	for (; *text; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		if (!g_unichar_iszerowidth(c))
			width += g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

void table_set(Table *table, guint column, const char *text, TableColour colour)
{
	Cell *cell = &g_array_index(table->cells, Cell, table->cells->len - table->n + column);
	g_autofree char *printable = NULL;

	if (is_plain(text)) {
		cell->text = g_string_chunk_insert(table->texts, text);
		cell->width = (guint)strlen(text);
	} else {
		printable = terminal_text(text);
		cell->text = g_string_chunk_insert(table->texts, printable);
		cell->width = width_of(printable);
	}
	cell->colour = colour;
}

static const Cell *cell_at(const Table *table, guint row, guint column)
{
	return &g_array_index(table->cells, Cell, row * table->n + column);
}

static gboolean is_child(const Table *table, guint row)
{
	return row < table->children->len && g_array_index(table->children, gboolean, row);
}

static guint column_width(const Table *table, guint column)
{
	guint width = (guint)strlen(table->columns[column].title);

	for (guint row = 0; row < table->children->len; row++) {
		guint own = cell_at(table, row, column)->width;

		if (column == 0 && is_child(table, row))
			own += TREE_WIDTH;
		width = MAX(width, own);
	}
	return width;
}

static void append_spaces(GString *out, guint count)
{
	for (; count > 0; count--)
		g_string_append_c(out, ' ');
}

/* No blanks at the end of a line. */
static void append_cell(GString *out, const Table *table, guint column, const Cell *cell,
			guint room, gboolean coloured)
{
	gboolean paint = coloured && cell->colour != TABLE_PLAIN;
	guint padding = room - cell->width;

	if (table->columns[column].right)
		append_spaces(out, padding);
	if (paint)
		g_string_append(out, colours[cell->colour]);
	g_string_append(out, cell->text ? cell->text : "");
	if (paint)
		g_string_append(out, "\033[0m");
	if (column + 1 == table->n)
		return;
	append_spaces(out, table->columns[column].right ? 1 : padding + 1);
}

static void append_title(GString *out, const Table *table, const guint *widths)
{
	for (guint column = 0; column < table->n; column++) {
		const char *title = table->columns[column].title;
		const Cell cell = { title, (guint)strlen(title), TABLE_PLAIN };

		append_cell(out, table, column, &cell, widths[column], FALSE);
	}
	g_string_append_c(out, '\n');
}

static void append_row(GString *out, const Table *table, guint row, const guint *widths,
		       const Tree *tree, gboolean coloured)
{
	guint taken = 0;

	if (is_child(table, row)) {
		g_string_append(out, is_child(table, row + 1) ? tree->branch : tree->last);
		taken = TREE_WIDTH;
	}
	for (guint column = 0; column < table->n; column++) {
		append_cell(out, table, column, cell_at(table, row, column),
			    widths[column] - taken, coloured);
		taken = 0;
	}
	g_string_append_c(out, '\n');
}

void table_print(const Table *table)
{
	static const Tree ascii = { "|-", "`-" }, unicode = { "├─", "└─" };
	const Tree *tree = g_get_charset(NULL) ? &unicode : &ascii;
	g_autofree guint *widths = g_new(guint, table->n);
	g_autoptr(GString) out = g_string_new(NULL);
	gboolean coloured = terminal_has_colours();

	for (guint column = 0; column < table->n; column++)
		widths[column] = column_width(table, column);
	append_title(out, table, widths);
	for (guint row = 0; row < table->children->len; row++)
		append_row(out, table, row, widths, tree, coloured);
	fwrite(out->str, 1, out->len, stdout);
}
