/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <stdio.h>

static void set_name(JsonBuilder *b, const char *name)
{
	if (name)
		json_builder_set_member_name(b, name);
}

void json_begin_object(JsonBuilder *b, const char *name)
{
	set_name(b, name);
	json_builder_begin_object(b);
}

void json_begin_array(JsonBuilder *b, const char *name)
{
	set_name(b, name);
	json_builder_begin_array(b);
}

void json_add_text(JsonBuilder *b, const char *name, const char *value)
{
	g_autofree char *valid = NULL;

	set_name(b, name);
	if (!value) {
		json_builder_add_null_value(b);
		return;
	}
	if (!g_utf8_validate(value, -1, NULL))
		valid = g_utf8_make_valid(value, -1);
	json_builder_add_string_value(b, valid ? valid : value);
}

void json_add_texts(JsonBuilder *b, const char *name, const char *const *values)
{
	json_begin_array(b, name);
	for (; values && *values; values++)
		json_add_text(b, NULL, *values);
	json_builder_end_array(b);
}

void json_add_number(JsonBuilder *b, const char *name, gint64 value)
{
	set_name(b, name);
	if (value < 0)
		json_builder_add_null_value(b);
	else
		json_builder_add_int_value(b, value);
}

void json_add_bool(JsonBuilder *b, const char *name, gboolean value)
{
	set_name(b, name);
	json_builder_add_boolean_value(b, value);
}

void json_add_address(JsonBuilder *b, const char *name, const VferryAddress *address)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	json_add_text(b, name, vferry_address_text(address, text));
}

void json_add_id(JsonBuilder *b, const char *name, guint16 value)
{
	char text[5];

	g_snprintf(text, sizeof(text), "%04x", value);
	json_add_text(b, name, text);
}

void json_add_mac(JsonBuilder *b, const char *name, const guint8 *mac)
{
	char text[18];

	if (mac)
		g_snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			   mac[2], mac[3], mac[4], mac[5]);
	json_add_text(b, name, mac ? text : NULL);
}

void json_print(JsonBuilder *b)
{
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = json_builder_get_root(b);
	g_autofree char *text = NULL;

	json_generator_set_pretty(generator, TRUE);
	json_generator_set_root(generator, root);
	text = json_generator_to_data(generator, NULL);
	puts(text);
}
