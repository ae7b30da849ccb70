/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decode.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS	80
#define LABEL	27	/* columns of a label with its indent */

/* "  label                    text", text wrapped at blanks under itself. */
static void print_field(const char *label, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	gsize column = LABEL;

	printf("  %-*s", LABEL - 2, label);
	for (guint i = 0; words[i]; i++) {
		gsize width = strlen(words[i]);

		if (i && column + 1 + width > COLUMNS) {
			printf("\n%*s", LABEL, "");
			column = LABEL;
		} else if (i) {
			putchar(' ');
			column++;
		}
		fputs(words[i], stdout);
		column += width;
	}
	putchar('\n');
}

G_GNUC_PRINTF(2, 3)
static void print_value(const char *label, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	print_field(label, text);
}

static void print_sections(const Capture *capture)
{
	puts("\nSections\n  offset  length  type        version  checksum");
	for (guint i = 0; i < capture->sections->len; i++) {
		const CaptureSection *s = &g_array_index(capture->sections, CaptureSection, i);
		const char *name = capture_section_name(s->type);
		g_autofree char *number = g_strdup_printf("%u", s->type);

		printf("  0x%04" G_GSIZE_MODIFIER "x  %6u  %-10s  %7u  ", s->offset, s->length,
		       name ? name : number, s->version);
		if (s->checksum == s->checksum_found)
			fputs("ok", stdout);
		else
			printf("bad: 0x%08x, should be 0x%08x", s->checksum, s->checksum_found);
		if (s->flags & IGBVF_SECTION_OPTIONAL)
			fputs(", optional", stdout);
		putchar('\n');
	}
}

static void print_identity(const Capture *capture)
{
	const struct igbvf_ident *ident = &capture->reader.state.ident;

	puts("\nIdentity");
	print_value("format", "%u.%u", capture->major, capture->minor);
	print_value("device", "%04x:%04x, %s", ident->vendor, ident->device,
		    capture_device_name(ident));
	print_value("queue pairs", "%u", ident->queues);
	print_field("features", ident->features & IGBVF_FEATURE_MAILBOX ? "mailbox replay" : "none");
}

static void append_mac(GString *text, const guint8 *mac)
{
	g_string_append_printf(text, "%s%02x:%02x:%02x:%02x:%02x:%02x", text->len ? " " : "",
			       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void print_bits(const char *label, guint32 value, const DecodeBit *bits)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (; bits->name; bits++)
		if (value & bits->bit)
			g_string_append_printf(text, "%s%s", text->len ? ", " : "", bits->text);
	print_field(label, text->len ? text->str : "none");
}

static gboolean has_vlan(const guint32 *vlans, guint id)
{
	return vlans[id / 32] >> id % 32 & 1;
}

/* "10-12 100 4094" */
static void print_vlans(const guint32 *vlans)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint id = 0; id < 32 * IGBVF_VLAN_WORDS; id++) {
		guint last = id;

		if (!has_vlan(vlans, id))
			continue;
		while (last + 1 < 32 * IGBVF_VLAN_WORDS && has_vlan(vlans, last + 1))
			last++;
		if (text->len)
			g_string_append_c(text, ' ');
		g_string_append_printf(text, last > id ? "%u-%u" : "%u", id, last);
		id = last;
	}
	print_field("VLANs", text->len ? text->str : "none");
}

static void print_mailbox(const struct igbvf_mailbox_state *m)
{
	g_autoptr(GString) unicast = g_string_new(NULL);
	g_autoptr(GString) multicast = g_string_new(NULL);
	g_autoptr(GString) memory = g_string_new(NULL);
	g_autoptr(GString) mac = g_string_new(NULL);

	puts("\nMailbox: what the PF driver holds for the VF");
	print_bits("flags", m->flags, decode_mailbox_flags);
	append_mac(mac, m->mac);
	print_field("MAC address", m->flags & IGBVF_MBX_MAC_VALID ? mac->str : "none");
	for (guint i = 0; i < MIN(m->unicast_count, IGBVF_MAX_UNICAST); i++)
		append_mac(unicast, m->unicast[i]);
	print_field("unicast filters", unicast->len ? unicast->str : "none");
	for (guint i = 0; i < MIN(m->multicast_count, IGBVF_MAX_MULTICAST); i++)
		g_string_append_printf(multicast, "%s0x%03x", i ? " " : "", m->multicast[i]);
	print_field("multicast hashes", multicast->len ? multicast->str : "none");
	print_vlans(m->vlans);
	if (m->flags & IGBVF_MBX_LPE)
		print_value("largest frame", "%u bytes", m->max_frame);
	else
		print_field("largest frame", "not set");
	print_bits("latched bits", m->latched, decode_latched_bits);
	for (guint i = 0; i < IGBVF_MAILBOX_WORDS; i++)
		g_string_append_printf(memory, "%s%08x", i ? " " : "", m->memory[i]);
	print_field("memory", memory->str);
}

/* A row of a table with a column for each queue. */
typedef char *(*QueueText)(const struct igbvf_state *state, guint queue);

static void print_row(const struct igbvf_state *state, const char *label, QueueText text)
{
	printf("  %-*s", LABEL - 2, label);
	for (guint q = 0; q < state->ident.queues; q++) {
		g_autofree char *cell = text(state, q);

		printf(q + 1 < state->ident.queues ? "%-26s" : "%s", cell);
	}
	putchar('\n');
}

#define QUEUE_TEXT(name, ...)							\
	static char *name(const struct igbvf_state *state, guint q)		\
	{									\
		return g_strdup_printf(__VA_ARGS__);				\
	}

#define RING "%u bytes, %u slots"

QUEUE_TEXT(rx_enabled, "%s", state->rx[q].rxdctl & IGBVF_QUEUE_ENABLE ? "yes" : "no")
QUEUE_TEXT(rx_base, "0x%016" G_GINT64_MODIFIER "x", (guint64)state->rx[q].base)
QUEUE_TEXT(rx_length, RING, state->rx[q].length, state->rx[q].length / IGBVF_DESCRIPTOR_SIZE)
QUEUE_TEXT(rx_head, "%u", state->rx[q].head)
QUEUE_TEXT(rx_tail, "%u", state->rx[q].tail)
QUEUE_TEXT(rx_rxdctl, "0x%08x", state->rx[q].rxdctl)
QUEUE_TEXT(rx_srrctl, "0x%08x", state->rx[q].srrctl)
QUEUE_TEXT(rx_dca, "0x%08x", state->rx[q].dca_rxctrl)

QUEUE_TEXT(tx_enabled, "%s", state->tx[q].txdctl & IGBVF_QUEUE_ENABLE ? "yes" : "no")
QUEUE_TEXT(tx_base, "0x%016" G_GINT64_MODIFIER "x", (guint64)state->tx[q].base)
QUEUE_TEXT(tx_length, RING, state->tx[q].length, state->tx[q].length / IGBVF_DESCRIPTOR_SIZE)
QUEUE_TEXT(tx_head, "%u", state->tx[q].head)
QUEUE_TEXT(tx_tail, "%u", state->tx[q].tail)
QUEUE_TEXT(tx_txdctl, "0x%08x", state->tx[q].txdctl)
QUEUE_TEXT(tx_dca, "0x%08x", state->tx[q].dca_txctrl)
QUEUE_TEXT(tx_writeback, "0x%016" G_GINT64_MODIFIER "x", (guint64)state->tx[q].head_writeback)

static void print_queue_head(const struct igbvf_state *state, const char *title)
{
	printf("\n%-*s", LABEL, title);
	for (guint q = 0; q < state->ident.queues; q++)
		printf(q + 1 < state->ident.queues ? "queue %-20u" : "queue %u", q);
	putchar('\n');
}

static void print_rx_queues(const struct igbvf_state *state)
{
	print_queue_head(state, "Receive queues");
	print_row(state, "enabled", rx_enabled);
	print_row(state, "ring", rx_base);
	print_row(state, "ring length", rx_length);
	print_row(state, "head", rx_head);
	print_row(state, "tail", rx_tail);
	print_row(state, "RXDCTL", rx_rxdctl);
	print_row(state, "SRRCTL", rx_srrctl);
	print_row(state, "DCA_RXCTRL", rx_dca);
}

static void print_tx_queues(const struct igbvf_state *state)
{
	print_queue_head(state, "Transmit queues");
	print_row(state, "enabled", tx_enabled);
	print_row(state, "ring", tx_base);
	print_row(state, "ring length", tx_length);
	print_row(state, "head", tx_head);
	print_row(state, "tail", tx_tail);
	print_row(state, "TXDCTL", tx_txdctl);
	print_row(state, "DCA_TXCTRL", tx_dca);
	print_row(state, "head write-back", tx_writeback);
}

static void print_vectors(const char *label, guint32 value)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text, "0x%08x, ", value);
	if (!value)
		g_string_append(text, "no vector");
	for (guint v = 0; v < IGBVF_MSIX_VECTORS; v++)
		if (value >> v & 1)
			g_string_append_printf(text, "%s%u",
					       strchr(text->str, 'v') ? " " : "vectors ", v);
	print_field(label, text->str);
}

/* One byte of IVAR: bit 7 says that it holds, the low bits name the vector. */
static void append_cause(GString *text, const char *cause, guint32 entry)
{
	if (entry & 0x80)
		g_string_append_printf(text, ", %s: %u", cause, entry & 3);
}

static void print_interrupts(const struct igbvf_interrupt_state *in)
{
	static const char *const causes[] = { "RX 0", "TX 0", "RX 1", "TX 1" };
	g_autoptr(GString) ivar0 = g_string_new(NULL);
	g_autoptr(GString) misc = g_string_new(NULL);

	puts("\nInterrupts");
	print_vectors("EIMS, enabled", in->eims);
	print_vectors("EIAC, cleared by itself", in->eiac);
	print_vectors("EIAM, masked by itself", in->eiam);
	print_value("EITR, moderation", "0x%08x 0x%08x 0x%08x", in->eitr[0], in->eitr[1],
		    in->eitr[2]);
	g_string_printf(ivar0, "0x%08x", in->ivar0);
	for (guint i = 0; i < G_N_ELEMENTS(causes); i++)
		append_cause(ivar0, causes[i], in->ivar0 >> 8 * i);
	print_field("IVAR0, cause: vector", ivar0->str);
	g_string_printf(misc, "0x%08x", in->ivar_misc);
	append_cause(misc, "mailbox", in->ivar_misc);
	print_field("IVAR_MISC", misc->str);
	print_value("PSRTYPE", "0x%08x", in->psrtype);
}

static void print_statistics(const guint32 *value)
{
	puts("\nStatistics, as the guest last could read them");
	for (guint i = 0; i < IGBVF_STATISTICS; i++)
		print_value(decode_counters[i].text, "%10u", value[i]);
}

void decode_print_text(const Capture *capture)
{
	const struct igbvf_state *state = &capture->reader.state;

	printf("%s: %" G_GSIZE_FORMAT "%s bytes of device state\n", capture->name,
	       MIN(capture->size, IGBVF_STATE_MAX_SIZE),
	       capture->size > IGBVF_STATE_MAX_SIZE ? " and more" : "");
	if (capture->sections->len)
		print_sections(capture);
	if (capture_has(capture, IGBVF_SECTION_IDENT))
		print_identity(capture);
	if (capture_has(capture, IGBVF_SECTION_MAILBOX))
		print_mailbox(&state->mailbox);
	if (capture_has(capture, IGBVF_SECTION_RX_QUEUES))
		print_rx_queues(state);
	if (capture_has(capture, IGBVF_SECTION_TX_QUEUES))
		print_tx_queues(state);
	if (capture_has(capture, IGBVF_SECTION_INTERRUPTS))
		print_interrupts(&state->interrupts);
	if (capture_has(capture, IGBVF_SECTION_STATISTICS))
		print_statistics(state->statistics);
}
