/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml-patch.h"

#include "error.h"
#include "xml-compare.h"

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

/* The node after another in the order of the document. */
static const xmlNode *following(const xmlNode *node)
{
	if (node->type == XML_ELEMENT_NODE && node->children)
		return node->children;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
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

static gboolean has_name(const Tag *tag, const xmlNode *element)
{
	const char *prefix = element->ns ? (const char *)element->ns->prefix : NULL;
	const char *name = (const char *)element->name;
	const char *at = tag->start + 1;

	if (prefix) {
		if (!starts(at, tag->end, prefix) || at[strlen(prefix)] != ':')
			return FALSE;
		at += strlen(prefix) + 1;
	}
	return starts(at, tag->end, name) && behind_name(at) == at + strlen(name);
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

static void append_inserted(GString *out, const GPtrArray *edits)
{
	for (guint i = 0; i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];

		if (edit->insert)
			g_string_append_printf(out, "<%s %s='%s'/>", edit->insert,
					       edit->attribute, edit->value);
	}
}

/* The text with its edits; NULL where its start tags are not the document's elements. */
static GString *edited(const xmlDoc *doc, const char *text, gsize length, GHashTable *edits)
{
	g_autoptr(GString) out = g_string_sized_new(length + 256);
	const char *end = text + length;
	Tag tag = { text, text };

	for (const xmlNode *node = doc->children; node; node = following(node)) {
		const char *behind_last = tag.end;
		const GPtrArray *of_node;

		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (!next_tag(behind_last, end, &tag) || !has_name(&tag, node))
			return NULL;
		of_node = g_hash_table_lookup(edits, node);
		if (!of_node) {
			append(out, behind_last, tag.end);
			continue;
		}
		append(out, behind_last, tag.start);
		append_inserted(out, of_node);
		append_tag(out, &tag, of_node);
	}
	append(out, tag.end, end);
	return next_tag(tag.end, end, &tag) ? NULL : g_steal_pointer(&out);
}

static GHashTable *by_element(const GArray *edits)
{
	GHashTable *table = g_hash_table_new_full(NULL, NULL, NULL,
						  (GDestroyNotify)g_ptr_array_unref);

	for (guint i = 0; i < edits->len; i++) {
		VferryXmlEdit *edit = &g_array_index(edits, VferryXmlEdit, i);
		GPtrArray *of_element = g_hash_table_lookup(table, edit->element);

		if (!of_element) {
			of_element = g_ptr_array_new();
			g_hash_table_insert(table, edit->element, of_element);
		}
		g_ptr_array_add(of_element, edit);
	}
	return table;
}

char *vferry_xml_patch(xmlDoc *doc, const char *text, gsize length, const GArray *edits,
		       gsize *ret_length, GError **error)
{
	g_autoptr(GHashTable) table = by_element(edits);
	g_autoptr(GString) out = edited(doc, text, length, table);

	if (!out) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "domain XML stays as it is: its tags were not all found");
		return NULL;
	}
	if (!vferry_xml_is_edited(doc, table, out->str, out->len)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "domain XML stays as it is: more would change than was meant");
		return NULL;
	}
	*ret_length = out->len;
	return g_string_free(g_steal_pointer(&out), FALSE);
}
