/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xml.h"

#include "error.h"

#include <libxml/SAX2.h>
#include <string.h>

/**
 * Reading - a document that is being read, its parser's _private
 * @keep: NULL: all
 * @tags: start tags that have come
 * @left_out: how deep in an element that is not kept; 0: not in one
 * @has_doctype: seen, so that nothing more is read
 */
typedef struct {
	VferryXmlKeep *keep;
	gsize tags;
	guint left_out;
	gboolean has_doctype;
} Reading;

/* libxml2 calls this between the name of a document type and its declarations. */
static void stop_at_doctype(void *parser, const xmlChar *name G_GNUC_UNUSED,
			    const xmlChar *external G_GNUC_UNUSED,
			    const xmlChar *system G_GNUC_UNUSED)
{
	Reading *reading = ((xmlParserCtxt *)parser)->_private;

	reading->has_doctype = TRUE;
	xmlStopParser(parser);
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		     int n_namespaces, const xmlChar **namespaces, int n_attributes,
		     int n_defaulted, const xmlChar **attributes)
{
	xmlParserCtxt *parser = data;
	Reading *reading = parser->_private;
	const xmlNode *parent = parser->node;

	reading->tags++;
	if (reading->left_out ||
	    (parent && reading->keep && !reading->keep(parent, (const char *)name))) {
		reading->left_out++;
		return;
	}
	xmlSAX2StartElementNs(parser, name, prefix, uri, n_namespaces, namespaces, n_attributes,
			      n_defaulted, attributes);
	if (parser->node)
		parser->node->_private = GSIZE_TO_POINTER(reading->tags);
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	Reading *reading = ((xmlParserCtxt *)data)->_private;

	if (reading->left_out)
		reading->left_out--;
	else
		xmlSAX2EndElementNs(data, name, prefix, uri);
}

static void on_text(void *data, const xmlChar *text, int length)
{
	const Reading *reading = ((xmlParserCtxt *)data)->_private;

	if (!reading->left_out)
		xmlSAX2Characters(data, text, length);
}

static void on_cdata(void *data, const xmlChar *text, int length)
{
	const Reading *reading = ((xmlParserCtxt *)data)->_private;

	if (!reading->left_out)
		xmlSAX2CDataBlock(data, text, length);
}

/* No nodes of comments and instructions: nobody looks at them. */
static void set_handlers(xmlSAXHandler *sax)
{
	sax->internalSubset = stop_at_doctype;
	sax->startElementNs = on_start;
	sax->endElementNs = on_end;
	sax->characters = on_text;
	sax->ignorableWhitespace = on_text;
	sax->cdataBlock = on_cdata;
	sax->comment = NULL;
	sax->processingInstruction = NULL;
}

#if LIBXML_VERSION < 21200
typedef xmlError ParserError;
#else
typedef const xmlError ParserError;
#endif

/*
 * Without it libxml2 prints some errors (a text that is too long) on standard
 * error with the lines around, whatever its options say.
 */
static void say_nothing(void *data G_GNUC_UNUSED, ParserError *what G_GNUC_UNUSED)
{
}

xmlParserCtxt *vferry_xml_parser_new(void)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();

	if (parser)
		parser->sax->serror = say_nothing;
	return parser;
}

static void refuse_malformed(GError **error, xmlParserCtxt *parser)
{
	const xmlError *last = xmlCtxtGetLastError(parser);

	/* Its message quotes the document. */
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "domain XML, line %d: not well-formed (libxml2 error %d)",
		    last ? last->line : 0, last ? last->code : 0);
}

xmlDoc *vferry_xml_parse_some(const char *text, gsize length, VferryXmlKeep *keep,
			      GError **error)
{
	g_autoptr(xmlParserCtxt) parser = NULL;
	g_autoptr(xmlDoc) doc = NULL;
	Reading reading = { .keep = keep };

	if (!length || length > VFERRY_XML_SIZE_MAX) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "domain XML of %zu bytes: 1 to %d are read", length,
			    VFERRY_XML_SIZE_MAX);
		return NULL;
	}
	/* First of all: libxml2 guesses UTF-16 and EBCDIC from the first bytes. */
	if (!g_utf8_validate_len(text, length, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "domain XML is not in UTF-8");
		return NULL;
	}
	parser = vferry_xml_parser_new();
	if (!parser) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "no memory for domain XML");
		return NULL;
	}
	parser->_private = &reading;
	set_handlers(parser->sax);
	doc = xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL, VFERRY_XML_OPTIONS);
	if (reading.has_doctype) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "domain XML has a document type (DOCTYPE), which is never read");
		return NULL;
	}
	if (!doc || !xmlDocGetRootElement(doc)) {
		refuse_malformed(error, parser);
		return NULL;
	}
	if (doc->encoding && g_ascii_strcasecmp((const char *)doc->encoding, "UTF-8")) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "domain XML declares another encoding than UTF-8");
		return NULL;
	}
	doc->_private = GSIZE_TO_POINTER(reading.tags);
	return g_steal_pointer(&doc);
}

xmlDoc *vferry_xml_parse(const char *text, gsize length, GError **error)
{
	return vferry_xml_parse_some(text, length, NULL, error);
}

gsize vferry_xml_tag_number(const xmlNode *element)
{
	return GPOINTER_TO_SIZE(element->_private);
}

gsize vferry_xml_tags(const xmlDoc *doc)
{
	return GPOINTER_TO_SIZE(doc->_private);
}

long vferry_xml_line(const xmlNode *node)
{
	return xmlGetLineNo((xmlNode *)node);
}

void vferry_xml_refuse(GError **error, const xmlNode *node, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID, "domain XML, line %ld: %s",
		    vferry_xml_line(node), message);
}

gboolean vferry_xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !node->ns &&
	       g_str_equal((const char *)node->name, name);
}

static xmlNode *from(xmlNode *node, const char *name)
{
	while (node && !vferry_xml_is(node, name))
		node = node->next;
	return node;
}

xmlNode *vferry_xml_first(const xmlNode *parent, const char *name)
{
	return from(parent->children, name);
}

xmlNode *vferry_xml_next(const xmlNode *node, const char *name)
{
	return from(node->next, name);
}

gboolean vferry_xml_single(const xmlNode *parent, const char *name, xmlNode **ret,
			   GError **error)
{
	xmlNode *first = vferry_xml_first(parent, name);
	xmlNode *second = first ? vferry_xml_next(first, name) : NULL;

	if (second) {
		vferry_xml_refuse(error, second, "a second <%s> in <%s>", name,
				  (const char *)parent->name);
		return FALSE;
	}
	*ret = first;
	return TRUE;
}

static gboolean is_printable(const char *text)
{
	if (strlen(text) > VFERRY_XML_VALUE_MAX)
		return FALSE;
	for (; *text; text = g_utf8_next_char(text))
		if (!g_unichar_isprint(g_utf8_get_char(text)))
			return FALSE;
	return TRUE;
}

/* Attributes of that local name, in whatever namespace. */
static const xmlAttr *find_attribute(const xmlAttr *attribute, const char *name)
{
	while (attribute && !g_str_equal((const char *)attribute->name, name))
		attribute = attribute->next;
	return attribute;
}

gboolean vferry_xml_attribute(const xmlNode *node, const char *name, char **ret,
			      GError **error)
{
	const xmlAttr *attribute = find_attribute(node->properties, name);
	const xmlAttr *twin = attribute ? find_attribute(attribute->next, name) : NULL;
	xmlChar *value;

	if (!attribute) {
		*ret = NULL;
		return TRUE;
	}
	if (attribute->ns || twin) {
		vferry_xml_refuse(error, node, "attribute %s of <%s> in a namespace", name,
				  (const char *)node->name);
		return FALSE;
	}
	value = xmlNodeGetContent((const xmlNode *)attribute);
	if (!value || !is_printable((const char *)value)) {
		vferry_xml_refuse(error, node, "attribute %s of <%s> is no short printable text",
				  name, (const char *)node->name);
		xmlFree(value);
		return FALSE;
	}
	*ret = g_strdup((const char *)value);
	xmlFree(value);
	return TRUE;
}

/* As libvirt does it: blanks and a plus sign may stand before, nothing behind. */
static gboolean to_number(const char *text, guint base, guint64 maximum, guint64 *ret)
{
	char *end;
	guint64 value;

	/* One that is too large is G_MAXUINT64. */
	value = g_ascii_strtoull(text, &end, base);
	if (end == text || *end || strchr(text, '-') || value > maximum)
		return FALSE;
	*ret = value;
	return TRUE;
}

gboolean vferry_xml_number(const xmlNode *node, const char *name, guint base, guint64 maximum,
			   guint64 *ret, gboolean *ret_found, GError **error)
{
	g_autofree char *text = NULL;
	guint64 value = 0;

	if (!vferry_xml_attribute(node, name, &text, error))
		return FALSE;
	if (text && !to_number(text, base, maximum, &value)) {
		vferry_xml_refuse(error, node,
				  "attribute %s of <%s> is no number up to %" G_GUINT64_FORMAT,
				  name, (const char *)node->name, maximum);
		return FALSE;
	}
	*ret = value;
	if (ret_found)
		*ret_found = text != NULL;
	return TRUE;
}

gboolean vferry_xml_pci_address(const xmlNode *node, VferryAddress *ret, GError **error)
{
	guint64 domain, bus, slot, function;

	if (!vferry_xml_number(node, "domain", 0, G_MAXUINT32, &domain, NULL, error) ||
	    !vferry_xml_number(node, "bus", 0, 0xff, &bus, NULL, error) ||
	    !vferry_xml_number(node, "slot", 0, 0x1f, &slot, NULL, error) ||
	    !vferry_xml_number(node, "function", 0, 7, &function, NULL, error))
		return FALSE;
	*ret = (VferryAddress){ (guint32)domain, (guint8)bus, (guint8)slot, (guint8)function };
	return TRUE;
}

char *vferry_xml_text(const xmlNode *node, GError **error)
{
	xmlChar *content = xmlNodeGetContent(node);
	char *text;

	if (!content || !is_printable((const char *)content)) {
		vferry_xml_refuse(error, node, "<%s> holds no short printable text",
				  (const char *)node->name);
		xmlFree(content);
		return NULL;
	}
	text = g_strdup((const char *)content);
	xmlFree(content);
	return text;
}
