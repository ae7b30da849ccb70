/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML from outside, read with libxml2. It may be hostile and holds passwords:
 * no message repeats what stands in it, all name the line.
 */
#ifndef VFERRY_XML_H
#define VFERRY_XML_H

#include "address.h"

#include <libxml/parser.h>

/* Largest document, and longest value or text that is looked at, in bytes. */
#define VFERRY_XML_SIZE_MAX (16 * 1024 * 1024)
#define VFERRY_XML_VALUE_MAX 4096

/*
 * How every parser here reads: no network, nothing printed, lines beyond 65535, short
 * texts without a block of their own. NOENT makes "&amp;" in a value "&" at once, and
 * nothing else: without a DOCTYPE there are no entities but the predefined ones.
 */
#define VFERRY_XML_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |	\
			    XML_PARSE_BIG_LINES | XML_PARSE_COMPACT | XML_PARSE_NOENT)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)

/** vferry_xml_parser_new() - a parser that prints nothing; NULL without memory */
xmlParserCtxt *vferry_xml_parser_new(void);

/**
 * VferryXmlKeep - whether an element becomes a part of the tree
 * @parent: an element that is
 * @name: of a child of it, without prefix
 *
 * Most of a domain's XML is of no concern here, and to make nodes of it takes three times
 * as long as to parse it.
 *
 * Return: FALSE to have it left out with all that is in it.
 */
typedef gboolean VferryXmlKeep(const xmlNode *parent, const char *name);

/**
 * vferry_xml_parse_some() - read a document, make a tree of what matters in it
 * @text: UTF-8, with or without a declaration that says so
 * @length: bytes at @text
 * @keep: asked about each element but the root; NULL to keep all
 *
 * What is left out has to be as well-formed as the rest. Comments and processing
 * instructions are always left out.
 *
 * Nothing is loaded and no entity but the predefined ones exists: a document
 * with a DOCTYPE is refused before its first declaration is read. The limits of
 * libxml2 stay on (10 MB a value, and how deep elements nest).
 *
 * Return: the document; NULL with VFERRY_ERROR_INVALID.
 */
xmlDoc *vferry_xml_parse_some(const char *text, gsize length, VferryXmlKeep *keep,
			      GError **error);

/** vferry_xml_parse() - the same with all elements */
xmlDoc *vferry_xml_parse(const char *text, gsize length, GError **error);

/** vferry_xml_tag_number() - which of the document's start tags an element's is, from 1 */
gsize vferry_xml_tag_number(const xmlNode *element);

/** vferry_xml_tags() - how many start tags a document has, with those left out */
gsize vferry_xml_tags(const xmlDoc *doc);

/** vferry_xml_line() - the line on which an element's start tag ends, from 1 */
long vferry_xml_line(const xmlNode *node);

/** vferry_xml_refuse() - set VFERRY_ERROR_INVALID with the node's line before the message */
void vferry_xml_refuse(GError **error, const xmlNode *node, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/** vferry_xml_is() - is this an element of that name, in no namespace? */
gboolean vferry_xml_is(const xmlNode *node, const char *name);

/** vferry_xml_first() - the first child that is an element of that name; NULL without any */
xmlNode *vferry_xml_first(const xmlNode *parent, const char *name);

/** vferry_xml_next() - the next sibling that is an element of that name; NULL after the last */
xmlNode *vferry_xml_next(const xmlNode *node, const char *name);

/**
 * vferry_xml_single() - the child of that name, of which there may be one
 * @ret: NULL where there is none
 *
 * Return: FALSE with VFERRY_ERROR_INVALID where there are more: readers differ
 * in which one they take.
 */
gboolean vferry_xml_single(const xmlNode *parent, const char *name, xmlNode **ret,
			   GError **error);

/**
 * vferry_xml_attribute() - the value of an attribute
 * @ret: what the caller frees; NULL where there is no such attribute
 *
 * Return: FALSE with VFERRY_ERROR_INVALID where the value is longer than
 * VFERRY_XML_VALUE_MAX or holds what cannot be printed, and where an attribute of
 * that name is in a namespace: libvirt would read the first of the two.
 */
gboolean vferry_xml_attribute(const xmlNode *node, const char *name, char **ret,
			      GError **error);

/**
 * vferry_xml_number() - the value of an attribute that is a number
 * @base: 10, or 0 for what libvirt takes: "16", "0x10" and, octal, "020"
 * @maximum: largest value that is taken
 * @ret: 0 where there is no such attribute
 * @ret_found: whether there is; may be NULL
 */
gboolean vferry_xml_number(const xmlNode *node, const char *name, guint base, guint64 maximum,
			   guint64 *ret, gboolean *ret_found, GError **error);

/**
 * vferry_xml_pci_address() - <address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>
 * @node: that element; as for libvirt, an attribute that is not there is 0
 *
 * Return: FALSE with VFERRY_ERROR_INVALID.
 */
gboolean vferry_xml_pci_address(const xmlNode *node, VferryAddress *ret, GError **error);

/** vferry_xml_text() - text inside an element, with the checks of vferry_xml_attribute() */
char *vferry_xml_text(const xmlNode *node, GError **error);

#endif
