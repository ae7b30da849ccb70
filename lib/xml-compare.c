/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text is not made a second tree of, that would take most of the time: each of
 * the parser's events must be about the node of the document that comes next.
 */
#include "xml-compare.h"

#include <string.h>

/**
 * Place - how far the parser has come
 * @edits: element to its edits
 * @parent: the element that is open, or the document
 * @next: what comes next in it; NULL: its end
 * @matched: bytes of @next that have come, where it is text
 * @inserted: elements put before @next that have come
 * @is_inside: the last of these has not ended yet; nothing may stand in it
 * @differs: for good
 */
typedef struct {
	GHashTable *edits;
	const xmlNode *parent;
	const xmlNode *next;
	gsize matched;
	guint inserted;
	gboolean is_inside;
	gboolean differs;
} Place;

/* A name as startElementNs() gets it. */
typedef struct {
	const xmlChar *local;
	const xmlChar *prefix;
	const xmlChar *uri;
} Name;

/* One of startElementNs()'s attributes, five pointers each. */
typedef struct {
	Name name;
	const xmlChar *value;
	const xmlChar *value_end;
} Attribute;

const VferryXmlEdit *vferry_xml_edit_of(const GPtrArray *edits, const char *attribute,
					gsize length)
{
	for (guint i = 0; edits && i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];

		if (!edit->insert && strlen(edit->attribute) == length &&
		    !memcmp(edit->attribute, attribute, length))
			return edit;
	}
	return NULL;
}

static const VferryXmlEdit *insert_of(const GPtrArray *edits, guint number)
{
	for (guint i = 0; edits && i < edits->len; i++) {
		const VferryXmlEdit *edit = edits->pdata[i];

		if (edit->insert && !number--)
			return edit;
	}
	return NULL;
}

static gboolean is_plain_name(const Name *name, const char *wanted)
{
	return !name->prefix && !name->uri && xmlStrEqual(name->local, (const xmlChar *)wanted);
}

/* A prefix that is not declared is, for libxml2, part of the name. */
static gboolean same_name(const xmlChar *node_name, const xmlNs *ns, const Name *name)
{
	if (name->prefix && !name->uri)
		return !ns && xmlStrQEqual(name->prefix, name->local, node_name);
	return xmlStrEqual(node_name, name->local) &&
	       xmlStrEqual(ns ? ns->prefix : NULL, name->prefix) &&
	       xmlStrEqual(ns ? ns->href : NULL, name->uri);
}

static gboolean has_value(const Attribute *attribute, const char *value)
{
	gsize length = (gsize)(attribute->value_end - attribute->value);

	return strlen(value) == length && !memcmp(value, attribute->value, length);
}

static gboolean same_value(const xmlAttr *before, const Attribute *after)
{
	const xmlNode *value = before->children;

	if (!value)
		return has_value(after, "");
	return value->type == XML_TEXT_NODE && !value->next &&
	       has_value(after, (const char *)value->content);
}

static gboolean is_edit(const Attribute *attribute, const VferryXmlEdit *edit)
{
	return is_plain_name(&attribute->name, edit->attribute) &&
	       has_value(attribute, edit->value);
}

static gboolean same_attribute(const xmlAttr *before, const Attribute *after,
			       const GPtrArray *edits)
{
	const char *name = (const char *)before->name;
	const VferryXmlEdit *edit =
		before->ns ? NULL : vferry_xml_edit_of(edits, name, strlen(name));

	if (edit)
		return is_edit(after, edit);
	return same_name(before->name, before->ns, &after->name) && same_value(before, after);
}

/* Those of the element, and behind them those that it had not. */
static gboolean same_attributes(const xmlNode *element, const Attribute *attributes, int n,
				const GPtrArray *edits)
{
	int i = 0;

	for (const xmlAttr *before = element->properties; before; before = before->next, i++)
		if (i == n || !same_attribute(before, &attributes[i], edits))
			return FALSE;
	for (guint e = 0; edits && e < edits->len; e++) {
		const VferryXmlEdit *edit = edits->pdata[e];

		if (edit->insert || xmlHasProp(element, (const xmlChar *)edit->attribute))
			continue;
		if (i == n || !is_edit(&attributes[i++], edit))
			return FALSE;
	}
	return i == n;
}

static gboolean same_declarations(const xmlNs *before, const xmlChar **after, int n)
{
	for (; before && n; before = before->next, after += 2, n--)
		if (!xmlStrEqual(before->prefix, after[0]) || !xmlStrEqual(before->href, after[1]))
			return FALSE;
	return !before && !n;
}

/* What has not come yet of the text that comes next. */
static const char *rest_of_text(const Place *place)
{
	return place->next->content ? (const char *)place->next->content + place->matched : "";
}

/* All of a text must have come before anything else does. */
static void end_text(Place *place)
{
	const xmlNode *text = place->next;

	if (!text || (text->type != XML_TEXT_NODE && text->type != XML_CDATA_SECTION_NODE))
		return;
	if (*rest_of_text(place))
		place->differs = TRUE;
	place->next = text->next;
	place->matched = 0;
}

static void on_start(void *parser, const xmlChar *local, const xmlChar *prefix,
		     const xmlChar *uri, int n_declarations, const xmlChar **declarations,
		     int n_attributes, int n_defaulted G_GNUC_UNUSED, const xmlChar **attributes)
{
	Place *place = ((xmlParserCtxt *)parser)->_private;
	const Name name = { local, prefix, uri };
	g_autofree Attribute *all = g_new(Attribute, (gsize)n_attributes);
	const GPtrArray *edits;
	const VferryXmlEdit *insert;

	for (int i = 0; i < n_attributes; i++) {
		const xmlChar **at = attributes + 5 * i;

		all[i] = (Attribute){ { at[0], at[1], at[2] }, at[3], at[4] };
	}
	end_text(place);
	place->differs |= place->is_inside || !place->next;
	if (place->differs)
		return;
	edits = g_hash_table_lookup(place->edits, place->next);
	insert = insert_of(edits, place->inserted);
	if (insert) {
		place->is_inside = TRUE;
		place->inserted++;
		place->differs = !is_plain_name(&name, insert->insert) || n_declarations ||
				 n_attributes != 1 || !is_edit(all, insert);
		return;
	}
	if (place->next->type != XML_ELEMENT_NODE ||
	    !same_name(place->next->name, place->next->ns, &name) ||
	    !same_declarations(place->next->nsDef, declarations, n_declarations) ||
	    !same_attributes(place->next, all, n_attributes, edits)) {
		place->differs = TRUE;
		return;
	}
	place->inserted = 0;
	place->parent = place->next;
	place->next = place->parent->children;
}

static void on_end(void *parser, const xmlChar *local G_GNUC_UNUSED,
		   const xmlChar *prefix G_GNUC_UNUSED, const xmlChar *uri G_GNUC_UNUSED)
{
	Place *place = ((xmlParserCtxt *)parser)->_private;

	if (place->is_inside) {
		place->is_inside = FALSE;
		return;
	}
	end_text(place);
	place->differs |= place->next != NULL;
	if (place->differs)
		return;
	place->next = place->parent->next;
	place->parent = place->parent->parent;
}

/* A text may come in pieces. */
static void take_text(Place *place, xmlElementType type, const xmlChar *text, int length)
{
	if (place->next && place->next->type != type)
		end_text(place);
	if (place->differs || !place->next || place->next->type != type) {
		place->differs = TRUE;
		return;
	}
	place->differs = strncmp(rest_of_text(place), (const char *)text, (gsize)length) != 0;
	place->matched += (gsize)length;
}

static void on_text(void *parser, const xmlChar *text, int length)
{
	take_text(((xmlParserCtxt *)parser)->_private, XML_TEXT_NODE, text, length);
}

static void on_cdata(void *parser, const xmlChar *text, int length)
{
	take_text(((xmlParserCtxt *)parser)->_private, XML_CDATA_SECTION_NODE, text, length);
}

static void take_leaf(Place *place, xmlElementType type, const xmlChar *name,
		      const xmlChar *content)
{
	end_text(place);
	if (place->differs || !place->next || place->next->type != type ||
	    (name && !xmlStrEqual(place->next->name, name)) ||
	    !xmlStrEqual(place->next->content, content)) {
		place->differs = TRUE;
		return;
	}
	place->next = place->next->next;
}

static void on_comment(void *parser, const xmlChar *content)
{
	take_leaf(((xmlParserCtxt *)parser)->_private, XML_COMMENT_NODE, NULL, content);
}

static void on_instruction(void *parser, const xmlChar *target, const xmlChar *data)
{
	take_leaf(((xmlParserCtxt *)parser)->_private, XML_PI_NODE, target, data);
}

gboolean vferry_xml_is_edited(const xmlDoc *doc, GHashTable *edits, const char *text,
			      gsize length)
{
	g_autoptr(xmlParserCtxt) parser = vferry_xml_parser_new();
	Place place = { .edits = edits, .parent = (const xmlNode *)doc, .next = doc->children };

	if (!parser || length > VFERRY_XML_SIZE_MAX)
		return FALSE;
	parser->_private = &place;
	*parser->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.serror = parser->sax->serror,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_cdata,
		.comment = on_comment,
		.processingInstruction = on_instruction,
	};
	xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL, VFERRY_XML_OPTIONS);
	return parser->wellFormed && !place.differs && !place.next &&
	       place.parent == (const xmlNode *)doc;
}
