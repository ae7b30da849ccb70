/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a text is a document with some edits made, and nothing else. */
#ifndef VFERRY_XML_COMPARE_H
#define VFERRY_XML_COMPARE_H

#include "xml-patch.h"

/**
 * vferry_xml_edit_of() - the edit that sets an attribute
 * @edits: VferryXmlEdit pointers of one element; NULL for none
 * @attribute: its name, @length bytes
 */
const VferryXmlEdit *vferry_xml_edit_of(const GPtrArray *edits, const char *attribute,
					gsize length);

/**
 * vferry_xml_is_edited() - parse a text and compare it with a document, node by node
 * @doc: the document
 * @edits: of its elements: xmlNode to GPtrArray of VferryXmlEdit pointers
 * @text: well-formed or not, @length bytes
 *
 * Compared are the nodes of each type, their order and place, namespaces and where
 * they are declared, attributes and their order.
 *
 * Return: TRUE where the text is what the edits make of the document.
 */
gboolean vferry_xml_is_edited(const xmlDoc *doc, GHashTable *edits, const char *text,
			      gsize length);

#endif
