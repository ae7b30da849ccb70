/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers, addresses and hashes are strings in hexadecimal, counts are
 * numbers: an IOVA of 64 bits does not fit into a JSON number.
 */
#include "decode.h"

#include <json-glib/json-glib.h>
#include <stdio.h>

static void add_hex(JsonBuilder *b, const char *name, guint64 value, int digits)
{
	g_autofree char *text = g_strdup_printf("0x%0*" G_GINT64_MODIFIER "x", digits, value);

	if (name)
		json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, text);
}

static void add_register(JsonBuilder *b, const char *name, guint32 value)
{
	add_hex(b, name, value, 8);
}

static void add_int(JsonBuilder *b, const char *name, gint64 value)
{
	if (name)
		json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, value);
}

static void add_bool(JsonBuilder *b, const char *name, gboolean value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_boolean_value(b, value);
}

static void add_string(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, value);
}

static void begin_object(JsonBuilder *b, const char *name)
{
	if (name)
		json_builder_set_member_name(b, name);
	json_builder_begin_object(b);
}

static void begin_array(JsonBuilder *b, const char *name)
{
	json_builder_set_member_name(b, name);
	json_builder_begin_array(b);
}

static void add_mac(JsonBuilder *b, const guint8 *mac)
{
	g_autofree char *text = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
						mac[2], mac[3], mac[4], mac[5]);

	json_builder_add_string_value(b, text);
}

static void add_bits(JsonBuilder *b, const char *name, guint32 value, const DecodeBit *bits)
{
	begin_array(b, name);
	for (; bits->name; bits++)
		if (value & bits->bit)
			json_builder_add_string_value(b, bits->name);
	json_builder_end_array(b);
}

static void add_sections(JsonBuilder *b, const Capture *capture)
{
	begin_array(b, "sections");
	for (guint i = 0; i < capture->sections->len; i++) {
		const CaptureSection *s = &g_array_index(capture->sections, CaptureSection, i);
		const char *name = capture_section_name(s->type);

		begin_object(b, NULL);
		add_int(b, "type", s->type);
		if (name)
			add_string(b, "name", name);
		add_int(b, "offset", (gint64)s->offset);
		add_int(b, "length", s->length);
		add_int(b, "version", s->version);
		add_bool(b, "optional", s->flags & IGBVF_SECTION_OPTIONAL);
		add_bool(b, "checksum_ok", s->checksum == s->checksum_found);
		add_bool(b, "accepted", s->offset < capture->reader.offset);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void add_identity(JsonBuilder *b, const Capture *capture)
{
	const struct igbvf_ident *ident = &capture->reader.state.ident;

	begin_object(b, "identity");
	add_int(b, "major", capture->major);
	add_int(b, "minor", capture->minor);
	add_hex(b, "vendor", ident->vendor, 4);
	add_hex(b, "device", ident->device, 4);
	add_string(b, "name", capture_device_name(ident));
	add_int(b, "queues", ident->queues);
	add_register(b, "features", ident->features);
	json_builder_end_object(b);
}

static void add_mailbox(JsonBuilder *b, const struct igbvf_mailbox_state *m)
{
	begin_object(b, "mailbox");
	add_bits(b, "flags", m->flags, decode_mailbox_flags);
	add_bits(b, "latched", m->latched, decode_latched_bits);
	if (m->flags & IGBVF_MBX_LPE)
		add_int(b, "max_frame", m->max_frame);
	if (m->flags & IGBVF_MBX_MAC_VALID) {
		json_builder_set_member_name(b, "mac");
		add_mac(b, m->mac);
	}
	begin_array(b, "unicast");
	for (guint i = 0; i < MIN(m->unicast_count, IGBVF_MAX_UNICAST); i++)
		add_mac(b, m->unicast[i]);
	json_builder_end_array(b);
	begin_array(b, "multicast");
	for (guint i = 0; i < MIN(m->multicast_count, IGBVF_MAX_MULTICAST); i++)
		add_hex(b, NULL, m->multicast[i], 3);
	json_builder_end_array(b);
	begin_array(b, "vlans");
	for (guint id = 0; id < 32 * IGBVF_VLAN_WORDS; id++)
		if (m->vlans[id / 32] >> id % 32 & 1)
			json_builder_add_int_value(b, id);
	json_builder_end_array(b);
	begin_array(b, "memory");
	for (guint i = 0; i < IGBVF_MAILBOX_WORDS; i++)
		add_register(b, NULL, m->memory[i]);
	json_builder_end_array(b);
	json_builder_end_object(b);
}

static void add_rx_queues(JsonBuilder *b, const struct igbvf_state *state)
{
	begin_array(b, "rx_queues");
	for (guint q = 0; q < state->ident.queues; q++) {
		const struct igbvf_rx_queue_state *rx = &state->rx[q];

		begin_object(b, NULL);
		add_bool(b, "enabled", rx->rxdctl & IGBVF_QUEUE_ENABLE);
		add_hex(b, "base", rx->base, 16);
		add_int(b, "length", rx->length);
		add_int(b, "head", rx->head);
		add_int(b, "tail", rx->tail);
		add_register(b, "rxdctl", rx->rxdctl);
		add_register(b, "srrctl", rx->srrctl);
		add_register(b, "dca_rxctrl", rx->dca_rxctrl);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void add_tx_queues(JsonBuilder *b, const struct igbvf_state *state)
{
	begin_array(b, "tx_queues");
	for (guint q = 0; q < state->ident.queues; q++) {
		const struct igbvf_tx_queue_state *tx = &state->tx[q];

		begin_object(b, NULL);
		add_bool(b, "enabled", tx->txdctl & IGBVF_QUEUE_ENABLE);
		add_hex(b, "base", tx->base, 16);
		add_int(b, "length", tx->length);
		add_int(b, "head", tx->head);
		add_int(b, "tail", tx->tail);
		add_register(b, "txdctl", tx->txdctl);
		add_register(b, "dca_txctrl", tx->dca_txctrl);
		add_hex(b, "head_writeback", tx->head_writeback, 16);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

static void add_interrupts(JsonBuilder *b, const struct igbvf_interrupt_state *in)
{
	begin_object(b, "interrupts");
	add_register(b, "eims", in->eims);
	add_register(b, "eiac", in->eiac);
	add_register(b, "eiam", in->eiam);
	begin_array(b, "eitr");
	for (guint i = 0; i < IGBVF_MSIX_VECTORS; i++)
		add_register(b, NULL, in->eitr[i]);
	json_builder_end_array(b);
	add_register(b, "ivar0", in->ivar0);
	add_register(b, "ivar_misc", in->ivar_misc);
	add_register(b, "psrtype", in->psrtype);
	json_builder_end_object(b);
}

static void add_statistics(JsonBuilder *b, const guint32 *value)
{
	begin_object(b, "statistics");
	for (guint i = 0; i < IGBVF_STATISTICS; i++)
		add_int(b, decode_counters[i].name, value[i]);
	json_builder_end_object(b);
}

void decode_print_json(const Capture *capture, const GError *refusal)
{
	g_autoptr(JsonBuilder) b = json_builder_new();
	g_autoptr(JsonGenerator) generator = json_generator_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;
	const struct igbvf_state *state = &capture->reader.state;

	begin_object(b, NULL);
	add_bool(b, "accepted", !refusal);
	if (refusal) {
		begin_object(b, "error");
		add_int(b, "offset", (gint64)capture_refusal_offset(capture));
		add_string(b, "message", refusal->message);
		json_builder_end_object(b);
	}
	add_int(b, "size", (gint64)capture->size);
	add_sections(b, capture);
	if (capture_has(capture, IGBVF_SECTION_IDENT))
		add_identity(b, capture);
	if (capture_has(capture, IGBVF_SECTION_MAILBOX))
		add_mailbox(b, &state->mailbox);
	if (capture_has(capture, IGBVF_SECTION_RX_QUEUES))
		add_rx_queues(b, state);
	if (capture_has(capture, IGBVF_SECTION_TX_QUEUES))
		add_tx_queues(b, state);
	if (capture_has(capture, IGBVF_SECTION_INTERRUPTS))
		add_interrupts(b, &state->interrupts);
	if (capture_has(capture, IGBVF_SECTION_STATISTICS))
		add_statistics(b, state->statistics);
	json_builder_end_object(b);

	root = json_builder_get_root(b);
	json_generator_set_pretty(generator, TRUE);
	json_generator_set_root(generator, root);
	text = json_generator_to_data(generator, NULL);
	puts(text);
}
