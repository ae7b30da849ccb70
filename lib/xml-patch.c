/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml-patch.h"

#include "error.h"
#include "xml-tag.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* From its '<' to behind its '>'. */
typedef struct {
	const char *start;
	const char *end;
} Tag;

typedef struct {
	const char *name;
	gsize name_length;
	const char *value;
	const char *value_end;
} Attribute;

static gboolean starts(const char *at, const char *end, const char *what)
{
	return (gsize)(end - at) >= strlen(what) && !memcmp(at, what, strlen(what));
}

/* Behind the next @what; NULL where there is none. */
static const char *behind(const char *at, const char *end, const char *what)
{
	const char *found = memmem(at, (gsize)(end - at), what, strlen(what));

	return found ? found + strlen(what) : NULL;
}

/* Behind the '>' of a start tag: one in quotes is part of a value. */
static const char *behind_start_tag(const char *at, const char *end)
{
	while (at < end && *at != '>') {
		if (*at == '"' || *at == '\'')
			at = memchr(at + 1, *at, (gsize)(end - at - 1));
		if (!at)
			return NULL;
		at++;
	}
	return at < end ? at + 1 : NULL;
}

/* Behind what begins with '<' and is no start tag; @at itself for a start tag. */
static const char *behind_other(const char *at, const char *end)
{
	if (starts(at, end, "<!--"))
		return behind(at + 4, end, "-->");
	if (starts(at, end, "<![CDATA["))
		return behind(at, end, "]]>");
	if (starts(at, end, "<?"))
		return behind(at, end, "?>");
	if (starts(at, end, "</"))
		return behind(at, end, ">");
	return at;
}

/* The next start tag; FALSE where there is none, or what begins with '<' does not end. */
static gboolean next_tag(const char *at, const char *end, Tag *ret)
{
	while ((at = memchr(at, '<', (gsize)(end - at)))) {
		const char *other = behind_other(at, end);

		if (!other)
			return FALSE;
		if (other == at) {
			ret->start = at;
			ret->end = behind_start_tag(at, end);
			return ret->end != NULL;
		}
		at = other;
	}
	return FALSE;
}

static const char *behind_name(const char *at)
{
	return at + strcspn(at, BLANKS "/>=");
}

/* @at moves behind the attribute; FALSE at the end of the tag. */
static gboolean next_attribute(const char **at, Attribute *ret)
{
	ret->name = *at + strspn(*at, BLANKS);
	if (*ret->name == '>' || *ret->name == '/')
		return FALSE;
	ret->name_length = (gsize)(behind_name(ret->name) - ret->name);
	ret->value = strpbrk(ret->name, "\"'") + 1;
	ret->value_end = strchr(ret->value, ret->value[-1]);
	*at = ret->value_end + 1;
	return TRUE;
}

static void append(GString *out, const char *from, const char *to)
{
	g_string_append_len(out, from, to - from);
}

static void append_tag(GString *out, const Tag *tag, const GPtrArray *edits)
{
	const char *at = behind_name(tag->start + 1);
	const char *written = tag->start;
	Attribute attribute;

	while (next_attribute(&at, &attribute)) {
		const VferryXmlEdit *edit = vferry_xml_edit_of(edits, attribute.name,
							       attribute.name_length);

		if (!edit)
			continue;
		append(out, written, attribute.value);
		g_string_append(out, edit->value);
		written = attribute.value_end;
	}
	append(out, written, at);
	for (guint i = 0; i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];

		if (!edit->insert && !xmlHasProp(edit->element, (const xmlChar *)edit->attribute))
			g_string_append_printf(out, " %s='%s'", edit->attribute, edit->value);
	}
	append(out, at, tag->end);
}

/* What is put before the element; FALSE where libxml2 reads something else. */
static gboolean append_inserted(GString *out, const GPtrArray *edits)
{
	for (guint i = 0; i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];
		const gsize start = out->len;

		if (!edit->insert)
			continue;
		g_string_append_printf(out, "<%s %s='%s'/>", edit->insert, edit->attribute,
				       edit->value);
		if (!vferry_xml_tag_is_inserted(edit, out->str + start, out->len - start))
			return FALSE;
	}
	return TRUE;
}

static gboolean append_edited(GString *out, const Tag *tag, const GPtrArray *edits, GError **error)
{
	const VferryXmlEdit *any = edits->pdata[0];
	gboolean is_right = append_inserted(out, edits);
	const gsize start = out->len;

	append_tag(out, tag, edits);
	if (is_right && vferry_xml_tag_is_edited(any->element, edits, out->str + start,
						 out->len - start))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "domain XML stays as it is: more would change than was meant");
	return FALSE;
}

static gboolean not_found(GError **error)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "domain XML stays as it is: its tags were not all found");
	return FALSE;
}

/* @edits: by the number of their element's tag */
static gboolean append_all(GString *out, const char *text, gsize length, gsize n_tags,
			   GHashTable *edits, GError **error)
{
	const char *end = text + length, *written = text;
	Tag tag = { text, text };

	for (gsize number = 1; number <= n_tags; number++) {
		const GPtrArray *of_tag = g_hash_table_lookup(edits, GSIZE_TO_POINTER(number));

		if (!next_tag(tag.end, end, &tag))
			return not_found(error);
		if (!of_tag)
			continue;
		append(out, written, tag.start);
		if (!append_edited(out, &tag, of_tag, error))
			return FALSE;
		written = tag.end;
	}
	append(out, written, end);
	return !next_tag(tag.end, end, &tag) || not_found(error);
}

static GHashTable *by_tag(const GArray *edits)
{
	GHashTable *table = g_hash_table_new_full(NULL, NULL, NULL,
						  (GDestroyNotify)g_ptr_array_unref);

	for (guint i = 0; i < edits->len; i++) {
		VferryXmlEdit *edit = &g_array_index(edits, VferryXmlEdit, i);
		gpointer number = GSIZE_TO_POINTER(vferry_xml_tag_number(edit->element));
		GPtrArray *of_tag = g_hash_table_lookup(table, number);

		if (!of_tag) {
			of_tag = g_ptr_array_new();
			g_hash_table_insert(table, number, of_tag);
		}
		g_ptr_array_add(of_tag, edit);
	}
	return table;
}

char *vferry_xml_patch(const xmlDoc *doc, const char *text, gsize length, const GArray *edits,
		       gsize *ret_length, GError **error)
{
	g_autoptr(GHashTable) table = by_tag(edits);
	g_autoptr(GString) out = g_string_sized_new(length + 256);

	if (!append_all(out, text, length, vferry_xml_tags(doc), table, error))
		return NULL;
	*ret_length = out->len;
	return g_string_free(g_steal_pointer(&out), FALSE);
}
