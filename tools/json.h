/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs' JSON has in common: hexadecimal IDs are strings, what is not known is null. */
#ifndef VFERRY_JSON_H
#define VFERRY_JSON_H

#include "address.h"

#include <json-glib/json-glib.h>

/** json_begin_object() - @name: NULL in an array, and for the outermost */
void json_begin_object(JsonBuilder *b, const char *name);

void json_begin_array(JsonBuilder *b, const char *name);

/** json_add_text() - @name: NULL in an array; @value: NULL becomes null, no UTF-8 is made some */
void json_add_text(JsonBuilder *b, const char *name, const char *value);

void json_add_texts(JsonBuilder *b, const char *name, const char *const *values);

/** json_add_number() - a number, null below 0 */
void json_add_number(JsonBuilder *b, const char *name, gint64 value);

void json_add_bool(JsonBuilder *b, const char *name, gboolean value);

void json_add_address(JsonBuilder *b, const char *name, const VferryAddress *address);

/** json_add_id() - 16 bits as "10ca" */
void json_add_id(JsonBuilder *b, const char *name, guint16 value);

/** json_add_mac() - @mac: NULL becomes null */
void json_add_mac(JsonBuilder *b, const char *name, const guint8 *mac);

/** json_print() - what was built, to standard output, indented */
void json_print(JsonBuilder *b);

#endif
