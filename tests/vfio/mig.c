// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mig.h"

#include "check.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *state_name(uint32_t state)
{
	static const char *const names[STATES] = {
		[VFIO_DEVICE_STATE_ERROR] = "ERROR",
		[VFIO_DEVICE_STATE_STOP] = "STOP",
		[VFIO_DEVICE_STATE_RUNNING] = "RUNNING",
		[VFIO_DEVICE_STATE_STOP_COPY] = "STOP_COPY",
		[VFIO_DEVICE_STATE_RESUMING] = "RESUMING",
		[VFIO_DEVICE_STATE_RUNNING_P2P] = "RUNNING_P2P",
		[VFIO_DEVICE_STATE_PRE_COPY] = "PRE_COPY",
		[VFIO_DEVICE_STATE_PRE_COPY_P2P] = "PRE_COPY_P2P",
	};

	return state < STATES ? names[state] : "beyond the last state";
}

uint64_t mig_flags(struct vf *vf)
{
	struct vfio_device_feature_migration migration = { 0 };

	if (vf_feature(vf, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
		       &migration, sizeof(migration)))
		return 0;
	return migration.flags;
}

bool mig_has_state(struct vf *vf, uint32_t state)
{
	uint64_t flags = mig_flags(vf);
	bool p2p = flags & VFIO_MIGRATION_P2P;
	bool precopy = flags & VFIO_MIGRATION_PRE_COPY;

	switch (state) {
	case VFIO_DEVICE_STATE_RUNNING_P2P:
		return p2p;
	case VFIO_DEVICE_STATE_PRE_COPY:
		return precopy;
	case VFIO_DEVICE_STATE_PRE_COPY_P2P:
		return p2p && precopy;
	default:
		return state < STATES;
	}
}

int mig_set(struct vf *vf, uint32_t state, int *fd)
{
	struct vfio_device_feature_mig_state request = {
		.device_state = state,
		.data_fd = -1,
	};
	int error = vf_feature(
		vf, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		&request, sizeof(request));

	if (error)
		request.data_fd = -1;
	if (fd)
		*fd = request.data_fd;
	else if (request.data_fd >= 0)
		close(request.data_fd);
	return error;
}

uint32_t mig_get(struct vf *vf)
{
	struct vfio_device_feature_mig_state answer = { .data_fd = 77 };

	CHECK_EQ(vf_feature(vf,
			    VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
			    &answer, sizeof(answer)),
		 0);
	CHECK_EQ(answer.data_fd, -1);
	return answer.device_state;
}

int mig_go(struct vf *vf, uint32_t state)
{
	uint32_t before = mig_get(vf);
	int fd;

	CHECK_EQ_IN(mig_set(vf, state, &fd), 0, "%s to %s", state_name(before),
		    state_name(state));
	CHECK_EQ(mig_get(vf), state);
	return fd;
}

void mig_require(struct vf *vf)
{
	if (!(mig_flags(vf) & VFIO_MIGRATION_STOP_COPY))
		check_skip("the VF's driver cannot migrate");
}

void mig_require_precopy(struct vf *vf)
{
	mig_require(vf);
	if (!(mig_flags(vf) & VFIO_MIGRATION_PRE_COPY))
		check_skip("this kernel has no PRE_COPY");
}

int stream_read(int fd, struct stream *stream, size_t piece)
{
	for (;;) {
		size_t room = sizeof(stream->data) - stream->size;
		ssize_t got;

		CHECK_IN(room > 0, "a stream of more than %u bytes", STREAM_MAX);
		got = read(fd, stream->data + stream->size, piece < room ? piece : room);
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		stream->size += (size_t)got;
	}
}

int stream_write(int fd, const void *data, size_t size, size_t piece, size_t *done)
{
	size_t at = 0;
	int error = 0;

	while (at < size && !error) {
		size_t want = size - at < piece ? size - at : piece;
		ssize_t put = write(fd, (const uint8_t *)data + at, want);

		if (put < 0)
			error = -errno;
		else if (put == 0)
			error = -EIO;
		else
			at += (size_t)put;
	}
	if (done)
		*done = at;
	return error;
}

void mig_save(struct vf *vf, struct stream *stream)
{
	int fd = mig_go(vf, VFIO_DEVICE_STATE_STOP_COPY);

	CHECK(fd >= 0);
	stream->size = 0;
	CHECK_EQ(stream_read(fd, stream, STREAM_MAX), 0);
	CHECK(stream->size > 0);
	close(fd);
}

int mig_try_restore(struct vf *vf, const struct stream *stream, uint32_t then,
		    const char **stage)
{
	const char *at = "RESUMING";
	int fd, error;

	error = mig_set(vf, VFIO_DEVICE_STATE_RESUMING, &fd);
	if (!error) {
		at = "write";
		error = stream_write(fd, stream->data, stream->size, STREAM_MAX, NULL);
		close(fd);
	}
	if (!error) {
		at = state_name(then);
		error = mig_set(vf, then, NULL);
	}
	if (stage)
		*stage = at;
	return error;
}

void mig_restore(struct vf *vf, const struct stream *stream, uint32_t then)
{
	const char *stage;
	int error = mig_try_restore(vf, stream, then, &stage);

	CHECK_IN(!error, "%s on %s: %s", stage, vf->address, strerror(-error));
	CHECK_EQ(mig_get(vf), then);
}

int log_start(struct vf *vf, const struct range *ranges, unsigned count,
	      uint64_t *page_size)
{
	struct vfio_device_feature_dma_logging_control control = {
		.page_size = *page_size,
		.num_ranges = count,
		.ranges = (uintptr_t)ranges,
	};
	int error;

	_Static_assert(sizeof(struct range) ==
			       sizeof(struct vfio_device_feature_dma_logging_range),
		       "struct range is what the kernel takes");
	error = vf_feature(vf,
			   VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
			   &control, sizeof(control));
	if (!error)
		*page_size = control.page_size;
	return error;
}

int log_stop(struct vf *vf)
{
	return vf_feature(vf,
			  VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
			  NULL, 0);
}

int log_report(struct vf *vf, uint64_t iova, uint64_t length, uint64_t page_size,
	       uint64_t *bitmap)
{
	struct vfio_device_feature_dma_logging_report report = {
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.bitmap = (uintptr_t)bitmap,
	};

	return vf_feature(vf,
			  VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
			  &report, sizeof(report));
}

void log_require(struct vf *vf)
{
	int error = vf_feature(vf,
			       VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
				       VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
			       NULL, 0);

	if (error)
		check_skip("no dirty log here: %s", strerror(-error));
}
