/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes attributes in the bytes of a document, and no other byte: comments,
 * order, quotes, line ends and entities stay, which a serializer would not keep.
 *
 * libxml2 knows the elements but not where they stand. The bytes of a document
 * that it found well-formed and that has no DOCTYPE are easy to cut into tags: there have
 * to be as many as it has counted, and an element knows which is its own. libxml2 then
 * reads each tag that was changed by itself; it has to be the element with its edits.
 */
#ifndef VFERRY_XML_PATCH_H
#define VFERRY_XML_PATCH_H

#include "xml.h"

/**
 * VferryXmlEdit - one change
 * @element: of the document
 * @insert: NULL: @element's attribute is set. Else the name of an element that is
 * put directly before @element and gets the attribute
 * @attribute: its name
 * @value: what needs no escape
 */
typedef struct {
	xmlNode *element;
	const char *insert;
	const char *attribute;
	char *value;
} VferryXmlEdit;

/**
 * vferry_xml_patch() - make changes
 * @doc: what vferry_xml_parse_some() made of @text; it stays as it is
 * @text: the document
 * @length: bytes at @text
 * @edits: VferryXmlEdit, each about another attribute
 * @ret_length: bytes of the result, without the zero byte behind it
 *
 * A value keeps its quotes; an attribute that is not there yet is put behind the
 * tag's last.
 *
 * Return: the new text, to be freed with g_free(); NULL with VFERRY_ERROR_FAILED
 * where anything but the edits would differ.
 */
char *vferry_xml_patch(const xmlDoc *doc, const char *text, gsize length, const GArray *edits,
		       gsize *ret_length, GError **error);

#endif
