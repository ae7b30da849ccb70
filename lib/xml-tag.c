/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml-tag.h"

#include <string.h>

const VferryXmlEdit *vferry_xml_edit_of(const GPtrArray *edits, const char *attribute,
					gsize length)
{
	for (guint i = 0; i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];

		if (!edit->insert && strlen(edit->attribute) == length &&
		    !memcmp(edit->attribute, attribute, length))
			return edit;
	}
	return NULL;
}

/* The tag as a document of its own; NULL where it is not one element without content. */
static xmlDoc *read_tag(const char *tag, gsize length)
{
	g_autoptr(xmlParserCtxt) parser = vferry_xml_parser_new();
	g_autoptr(GString) text = g_string_new_len(tag, (gssize)length);
	g_autoptr(xmlDoc) doc = NULL;

	if (!parser || length < 3 || tag[length - 1] != '>')
		return NULL;
	if (tag[length - 2] != '/')
		g_string_insert_c(text, (gssize)length - 1, '/');
	doc = xmlCtxtReadMemory(parser, text->str, (int)text->len, NULL, NULL,
				VFERRY_XML_OPTIONS);
	if (!doc || !parser->wellFormed || doc->children->next || doc->children->children)
		return NULL;
	return g_steal_pointer(&doc);
}

/* Here a prefix need not be declared: for libxml2 it is then part of the name. */
static gboolean same_name(const xmlChar *left, const xmlNs *left_ns, const xmlChar *right,
			  const xmlNs *right_ns)
{
	if (left_ns && left_ns->prefix)
		return right_ns ? xmlStrEqual(left, right) &&
					  xmlStrEqual(left_ns->prefix, right_ns->prefix) :
				  xmlStrQEqual(left_ns->prefix, left, right);
	return xmlStrEqual(left, right);
}

static gboolean same_declarations(const xmlNs *left, const xmlNs *right)
{
	for (; left && right; left = left->next, right = right->next)
		if (!xmlStrEqual(left->prefix, right->prefix) ||
		    !xmlStrEqual(left->href, right->href))
			return FALSE;
	return !left && !right;
}

/* NOENT makes a value one text, or nothing where it is empty. */
static const char *value_of(const xmlAttr *attribute)
{
	return attribute->children ? (const char *)attribute->children->content : "";
}

static gboolean is_edit(const xmlAttr *attribute, const VferryXmlEdit *edit)
{
	return attribute && !attribute->ns &&
	       g_str_equal((const char *)attribute->name, edit->attribute) &&
	       g_str_equal(value_of(attribute), edit->value);
}

static gboolean is_kept(const xmlAttr *before, const xmlAttr *after)
{
	return after && same_name(before->name, before->ns, after->name, after->ns) &&
	       g_str_equal(value_of(before), value_of(after));
}

/* Those of the element, and behind them those that it had not. */
static gboolean same_attributes(const xmlNode *element, const GPtrArray *edits,
				const xmlAttr *after)
{
	for (const xmlAttr *before = element->properties; before; before = before->next) {
		const char *name = (const char *)before->name;
		const VferryXmlEdit *edit =
			before->ns ? NULL : vferry_xml_edit_of(edits, name, strlen(name));

		if (!(edit ? is_edit(after, edit) : is_kept(before, after)))
			return FALSE;
		after = after->next;
	}
	for (guint i = 0; i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];

		if (edit->insert || xmlHasProp(element, (const xmlChar *)edit->attribute))
			continue;
		if (!is_edit(after, edit))
			return FALSE;
		after = after->next;
	}
	return !after;
}

gboolean vferry_xml_tag_is_edited(const xmlNode *element, const GPtrArray *edits,
				  const char *tag, gsize length)
{
	g_autoptr(xmlDoc) doc = read_tag(tag, length);
	const xmlNode *after = doc ? doc->children : NULL;

	return after && same_name(element->name, element->ns, after->name, after->ns) &&
	       same_declarations(element->nsDef, after->nsDef) &&
	       same_attributes(element, edits, after->properties);
}

gboolean vferry_xml_tag_is_inserted(const VferryXmlEdit *edit, const char *tag, gsize length)
{
	g_autoptr(xmlDoc) doc = read_tag(tag, length);
	const xmlNode *after = doc ? doc->children : NULL;

	return after && !after->nsDef && after->properties && !after->properties->next &&
	       is_edit(after->properties, edit) && vferry_xml_is(after, edit->insert);
}
