/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A captured stream of device state, taken apart as far as it is good. */
#ifndef VFERRY_CAPTURE_H
#define VFERRY_CAPTURE_H

#include <glib.h>

#include "state_stream.h"

/**
 * CaptureSection - one section that lies whole in the capture
 * @offset: of its header, bytes from the start
 * @length: of its payload, bytes
 * @checksum: what the header says
 * @checksum_found: what the bytes give; differs where they were damaged
 */
typedef struct {
	gsize offset;
	guint32 type;
	guint16 version;
	guint16 flags;
	guint32 length;
	guint32 checksum;
	guint32 checksum_found;
} CaptureSection;

/**
 * Capture - a stream and what the driver's own reader makes of it
 * @name: for messages: the file's name
 * @size: bytes
 * @sections: CaptureSection, up to and with the first that is refused
 * @reader: after igbvf_stream_read() for the device that the stream names
 * @result: what igbvf_stream_read() returned
 * @major: of the format, valid where @reader.have_ident
 * @minor: as @major
 */
typedef struct {
	char *name;
	gsize size;
	GArray *sections;
	struct igbvf_stream_reader reader;
	int result;
	guint16 major;
	guint16 minor;
} Capture;

/**
 * capture_read() - read and decode a file
 * @path: the file, or "-" for standard input
 *
 * Reads no more than a stream can be long. Returns: the capture, also of a
 * stream that is refused; NULL where there is nothing to decode.
 */
Capture *capture_read(const char *path, GError **error);

/**
 * capture_accepted() - would a device take this state?
 *
 * Returns: TRUE, or FALSE with an error that says what, where and what to do.
 */
gboolean capture_accepted(const Capture *capture, GError **error);

/** capture_refusal_offset() - where the error of capture_accepted() is, in bytes */
gsize capture_refusal_offset(const Capture *capture);

/**
 * capture_has() - was the section of a type read and found good?
 *
 * Only then the part of @capture->reader.state that it carries means anything.
 */
gboolean capture_has(const Capture *capture, guint32 type);

/** capture_section_name() - its name in state_format.h, NULL for an unknown type */
const char *capture_section_name(guint32 type);

/** capture_device_name() - such as "Intel 82576 VF" */
const char *capture_device_name(const struct igbvf_ident *ident);

void capture_free(Capture *capture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Capture, capture_free)

#endif
