/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include "state_userspace.h"
#include "verb.h"

#include <fcntl.h>
#include <unistd.h>

/* One more than a stream can have, so that a longer one is noticed. */
#define READ_LIMIT (IGBVF_STATE_MAX_SIZE + 1)

static const struct {
	guint32 type;
	const char *name;
} section_names[] = {
	{ IGBVF_SECTION_IDENT, "IDENT" },
	{ IGBVF_SECTION_MAILBOX, "MAILBOX" },
	{ IGBVF_SECTION_RX_QUEUES, "RX_QUEUES" },
	{ IGBVF_SECTION_TX_QUEUES, "TX_QUEUES" },
	{ IGBVF_SECTION_INTERRUPTS, "INTERRUPTS" },
	{ IGBVF_SECTION_STATISTICS, "STATISTICS" },
	{ IGBVF_SECTION_END, "END" },
};

const char *capture_section_name(guint32 type)
{
	for (gsize i = 0; i < G_N_ELEMENTS(section_names); i++)
		if (section_names[i].type == type)
			return section_names[i].name;
	return NULL;
}

const char *capture_device_name(const struct igbvf_ident *ident)
{
	switch (ident->device) {
	case IGBVF_DEV_82576_VF:
		return "Intel 82576 VF";
	case IGBVF_DEV_82576_VF_HV:
		return "Intel 82576 VF (Hyper-V)";
	case IGBVF_DEV_I350_VF:
		return "Intel I350 VF";
	case IGBVF_DEV_I350_VF_HV:
		return "Intel I350 VF (Hyper-V)";
	default:
		return "unknown VF";
	}
}

void capture_free(Capture *capture)
{
	g_array_unref(capture->sections);
	g_free(capture->name);
	g_free(capture);
}

/* Reading */

static gboolean read_some(int fd, GByteArray *data, GError **error)
{
	while (data->len < READ_LIMIT) {
		guint8 buf[1024];
		gssize got = read(fd, buf, MIN(sizeof(buf), READ_LIMIT - data->len));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE,
				    "cannot read: %s", g_strerror(errno));
			return FALSE;
		}
		if (got == 0)
			break;
		g_byte_array_append(data, buf, (guint)got);
	}
	return TRUE;
}

static GByteArray *read_input(const char *path, GError **error)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	gboolean stdin_wanted = g_str_equal(path, "-");
	int fd = stdin_wanted ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	gboolean ok;

	if (fd < 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_USAGE, "cannot open: %s",
			    g_strerror(errno));
		return NULL;
	}
	ok = read_some(fd, data, error);
	if (!stdin_wanted)
		close(fd);
	return ok ? g_steal_pointer(&data) : NULL;
}

/* Decoding */

static guint32 section_checksum(struct igbvf_section_header header, const guint8 *payload,
				gsize length)
{
	uLong crc;

	header.crc = 0;
	crc = crc32(0, (const Bytef *)&header, sizeof(header));
	return (guint32)crc32(crc, payload, (uInt)length);
}

/* The section at an offset, where it lies whole in the data. */
static gboolean section_at(const GByteArray *data, gsize offset, CaptureSection *section)
{
	struct igbvf_section_header header;
	gsize rest = data->len - offset;

	if (rest < sizeof(header))
		return FALSE;
	memcpy(&header, data->data + offset, sizeof(header));
	section->offset = offset;
	section->type = le32_to_cpu(header.type);
	section->version = le16_to_cpu(header.version);
	section->flags = le16_to_cpu(header.flags);
	section->length = le32_to_cpu(header.length);
	section->checksum = le32_to_cpu(header.crc);
	if (section->length > rest - sizeof(header))
		return FALSE;
	section->checksum_found = section_checksum(header, data->data + offset + sizeof(header),
						   section->length);
	return TRUE;
}

static void list_sections(Capture *capture, const GByteArray *data)
{
	CaptureSection section;
	gsize offset = 0;

	while (offset <= capture->reader.offset && section_at(data, offset, &section)) {
		g_array_append_val(capture->sections, section);
		offset += sizeof(struct igbvf_section_header) + section.length;
	}
}

/* The reader wants to know for which device the state shall be: for the one
 * that the stream names, as far as there is such a device.
 */
static void decode(Capture *capture, const GByteArray *data)
{
	struct igbvf_section_ident ident = { 0 };
	struct igbvf_ident want = { 0 };

	if (data->len >= sizeof(struct igbvf_section_header) + sizeof(ident))
		memcpy(&ident, data->data + sizeof(struct igbvf_section_header), sizeof(ident));
	capture->major = le16_to_cpu(ident.major);
	capture->minor = le16_to_cpu(ident.minor);
	if (igbvf_ident_of(le16_to_cpu(ident.vendor), le16_to_cpu(ident.device), &want) != 0)
		memset(&want, 0, sizeof(want));
	igbvf_stream_reader_init(&capture->reader, &want);
	/* One too many is for the message only: decode what a stream can hold. */
	capture->result = igbvf_stream_read(&capture->reader, data->data,
					    MIN(data->len, IGBVF_STATE_MAX_SIZE));
	list_sections(capture, data);
}

Capture *capture_read(const char *path, GError **error)
{
	g_autofree char *name = g_str_equal(path, "-") ? g_strdup("standard input") :
							 g_filename_display_name(path);
	g_autoptr(GByteArray) data = read_input(path, error);
	Capture *capture;

	if (!data) {
		g_prefix_error(error, "%s: ", name);
		return NULL;
	}
	capture = g_new0(Capture, 1);
	capture->name = g_steal_pointer(&name);
	capture->size = data->len;
	capture->sections = g_array_new(FALSE, TRUE, sizeof(CaptureSection));
	decode(capture, data);
	return capture;
}

gboolean capture_has(const Capture *capture, guint32 type)
{
	for (guint i = 0; i < capture->sections->len; i++) {
		const CaptureSection *section = &g_array_index(capture->sections, CaptureSection, i);

		if (section->type == type)
			return section->offset < capture->reader.offset;
	}
	return FALSE;
}

/* Refusals */

/* The section whose values igbvf_state_check() complains about when END is
 * read: the one without which the complaint is gone.
 */
static guint32 blamed_section(const struct igbvf_state *state)
{
	static const guint32 types[] = {
		IGBVF_SECTION_MAILBOX, IGBVF_SECTION_RX_QUEUES, IGBVF_SECTION_TX_QUEUES,
		IGBVF_SECTION_INTERRUPTS,
	};
	const char *why = NULL;

	if (igbvf_state_check(state, &why) == 0)
		return IGBVF_SECTION_END;
	for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
		struct igbvf_state without = *state;
		const char *other = NULL;

		switch (types[i]) {
		case IGBVF_SECTION_MAILBOX:
			memset(&without.mailbox, 0, sizeof(without.mailbox));
			break;
		case IGBVF_SECTION_RX_QUEUES:
			memset(without.rx, 0, sizeof(without.rx));
			break;
		case IGBVF_SECTION_TX_QUEUES:
			memset(without.tx, 0, sizeof(without.tx));
			break;
		default:
			memset(&without.interrupts, 0, sizeof(without.interrupts));
			break;
		}
		if (igbvf_state_check(&without, &other) == 0 || !g_str_equal(why, other))
			return types[i];
	}
	return IGBVF_SECTION_END;
}

/* The section that is refused; NULL where bytes are missing or are no section. */
static const CaptureSection *refused_section(const Capture *capture)
{
	const CaptureSection *last;
	guint32 blamed;

	if (capture->result == 0 || capture->sections->len == 0)
		return NULL;
	last = &g_array_index(capture->sections, CaptureSection, capture->sections->len - 1);
	if (last->offset != capture->reader.offset)
		return NULL;
	if (last->type != IGBVF_SECTION_END || capture->result != -EINVAL)
		return last;
	blamed = blamed_section(&capture->reader.state);
	for (guint i = 0; i < capture->sections->len; i++) {
		const CaptureSection *section = &g_array_index(capture->sections, CaptureSection, i);

		if (section->type == blamed)
			return section;
	}
	return last;
}

gsize capture_refusal_offset(const Capture *capture)
{
	const CaptureSection *section = refused_section(capture);

	if (section)
		return section->offset;
	return capture->result ? capture->reader.offset : capture->size;
}

/* "offset 0x0028, section MAILBOX" */
static char *describe_place(const Capture *capture)
{
	const CaptureSection *section = refused_section(capture);
	gsize offset = capture_refusal_offset(capture);

	if (!section)
		return g_strdup_printf("offset 0x%04" G_GSIZE_MODIFIER "x", offset);
	if (!capture_section_name(section->type))
		return g_strdup_printf("offset 0x%04" G_GSIZE_MODIFIER "x, section of type %u",
				       offset, section->type);
	return g_strdup_printf("offset 0x%04" G_GSIZE_MODIFIER "x, section %s", offset,
			       capture_section_name(section->type));
}

static const char *advice(int result)
{
	switch (result) {
	case -EBADMSG:
		return "it was damaged after it was saved, capture it again";
	case -EMEDIUMTYPE:
		return "use the vferry that came with the driver that saved it";
	case -ENODEV:
		return "see docs/driver.md for the devices that are supported";
	default:
		return "it is not what igbvf_vfio_pci saves, do not load it";
	}
}

gboolean capture_accepted(const Capture *capture, GError **error)
{
	g_autofree char *place = NULL;

	if (capture->result == 0 && capture->size > IGBVF_STATE_MAX_SIZE) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s: longer than the %d bytes that a stream can have: "
			    "give one device's state alone", capture->name, IGBVF_STATE_MAX_SIZE);
		return FALSE;
	}
	if (capture->result == 0 && capture->reader.complete)
		return TRUE;
	if (capture->size == 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s: offset 0x0000: it is empty: capture a device that has been "
			    "saved or loaded", capture->name);
		return FALSE;
	}
	if (capture->result == 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s: offset 0x%04" G_GSIZE_MODIFIER "x: it ends before the section "
			    "END: capture it to its end", capture->name, capture->size);
		return FALSE;
	}
	place = describe_place(capture);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED, "%s: %s: %s: %s", capture->name,
		    place, capture->reader.why, advice(capture->result));
	return FALSE;
}
