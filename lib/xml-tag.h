/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the bytes of a start tag are an element with some edits made, and nothing else. */
#ifndef VFERRY_XML_TAG_H
#define VFERRY_XML_TAG_H

#include "xml-patch.h"

/**
 * vferry_xml_edit_of() - the edit that sets an attribute
 * @edits: VferryXmlEdit pointers of one element
 * @attribute: its name, @length bytes
 */
const VferryXmlEdit *vferry_xml_edit_of(const GPtrArray *edits, const char *attribute,
					gsize length);

/**
 * vferry_xml_tag_is_edited() - have libxml2 read a start tag, and compare it with an element
 * @element: the element
 * @edits: VferryXmlEdit pointers, all that are about it
 * @tag: from '<' to '>', @length bytes
 *
 * Compared are the name, attributes and their order, and the namespaces that it declares.
 */
gboolean vferry_xml_tag_is_edited(const xmlNode *element, const GPtrArray *edits,
				  const char *tag, gsize length);

/** vferry_xml_tag_is_inserted() - the same of an element that @edit inserts */
gboolean vferry_xml_tag_is_inserted(const VferryXmlEdit *edit, const char *tag, gsize length);

#endif
