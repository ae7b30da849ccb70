/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The migration interface of a VF: states, data files, whole streams, the
 * dirty log. Functions that give int give 0 or -errno.
 */
#ifndef MIG_H
#define MIG_H

#include "uapi.h"
#include "vf.h"

#define STATES 8
#define STREAM_MAX 8192

/* "RUNNING" and so on; for any number. */
const char *state_name(uint32_t state);

/* The VFIO_MIGRATION_* flags, 0 where the driver cannot migrate. */
uint64_t mig_flags(struct vf *vf);

/* True where the kernel and the driver have the state. */
bool mig_has_state(struct vf *vf, uint32_t state);

/* SET of a state. `fd` (may be NULL) gets the new data file, or -1. Where it
 * is NULL an unasked data file is closed. */
int mig_set(struct vf *vf, uint32_t state, int *fd);

/* The state, or the end of the test. */
uint32_t mig_get(struct vf *vf);

/* Goes to `state` or ends the test; gives the data file, or -1. */
int mig_go(struct vf *vf, uint32_t state);

/* Skips the test where the driver cannot migrate or lacks PRE_COPY. */
void mig_require(struct vf *vf);
void mig_require_precopy(struct vf *vf);

struct stream {
	uint8_t data[STREAM_MAX];
	size_t size;
};

/* Reads to the end in pieces of `piece` bytes, appending. */
int stream_read(int fd, struct stream *stream, size_t piece);

/* Writes `size` bytes in pieces. `done` (may be NULL) gets the bytes taken. */
int stream_write(int fd, const void *data, size_t size, size_t piece, size_t *done);

/* From RUNNING to STOP_COPY; the stream is read, its file closed. */
void mig_save(struct vf *vf, struct stream *stream);

/* From any state to RESUMING, all of the stream, then STOP or RUNNING. */
void mig_restore(struct vf *vf, const struct stream *stream, uint32_t then);

/* The same where failure is a result. `stage` (may be NULL) says where:
 * "RESUMING", "write" or the state asked for. */
int mig_try_restore(struct vf *vf, const struct stream *stream, uint32_t then,
		    const char **stage);

/* The dirty log. Ranges are IOVA and length in bytes. */
struct range {
	uint64_t iova, length;
};
int log_start(struct vf *vf, const struct range *ranges, unsigned count,
	      uint64_t *page_size);
int log_stop(struct vf *vf);

/* Sets a bit for each page written since the last report. */
int log_report(struct vf *vf, uint64_t iova, uint64_t length, uint64_t page_size,
	       uint64_t *bitmap);

/* Skips the test where the kernel cannot report a log. */
void log_require(struct vf *vf);

#endif
