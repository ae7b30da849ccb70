// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The data file: what reads and writes of any size and at any time give, and
 * that the stream is what driver/state_format.h says.
 */
#include "rig.h"
#include "sections.h"

#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

static const size_t pieces[] = { 1, 3, 17, 64, 1000, 4096 };
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static void test_format(const struct options *options)
{
	struct vfio_device_feature_mig_data_size size = { 0 };
	struct stream stream;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &stream);
	stream_check(&stream, &rig.vf[0]);
	CHECK_EQ(vf_feature(&rig.vf[0],
			    VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
			    &size, sizeof(size)),
		 0);
	CHECK(stream.size <= size.stop_copy_length);
	check_note("%zu bytes", stream.size);
	rig_close(&rig);
}

/* A VF that nobody has set up can be saved and restored too. */
static void test_untouched(const struct options *options)
{
	struct stream stream;
	struct rig rig;

	rig_open(&rig, options, 2);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &stream);
	stream_check(&stream, &rig.vf[0]);
	mig_restore(&rig.vf[1], &stream, S(RUNNING));
	nic_start_simple(&rig.nic, &rig.vf[1], &rig.iommu);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* What debugfs keeps of a VF's last stream. */
static void read_last(struct vf *vf, struct stream *stream)
{
	int fd = vf_debugfs_open(vf, "last_stream");

	CHECK(fd >= 0);
	stream->size = 0;
	CHECK_EQ(stream_read(fd, stream, 1000), 0);
	close(fd);
}

/* It is there for a support engineer, at both ends. */
static void test_kept_for_debugging(const struct options *options)
{
	struct stream stream, last;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &stream);
	read_last(&rig.vf[0], &last);
	stream_compare(&stream, &last, "kept by the source");
	mig_restore(&rig.vf[1], &stream, S(RUNNING));
	read_last(&rig.vf[1], &last);
	stream_compare(&stream, &last, "kept by the destination");
	rig_close(&rig);
}

static void test_saved_twice(const struct options *options)
{
	struct stream first, second;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &first);
	mig_go(&rig.vf[0], S(STOP));
	mig_save(&rig.vf[0], &second);
	stream_compare(&first, &second, "STOP_COPY twice");
	rig_close(&rig);
}

static void test_read_in_pieces(const struct options *options)
{
	struct stream whole, stream;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &whole);
	for (size_t i = 0; i < PIECES; i++) {
		int fd;

		mig_go(&rig.vf[0], S(STOP));
		fd = mig_go(&rig.vf[0], S(STOP_COPY));
		stream.size = 0;
		CHECK_EQ(stream_read(fd, &stream, pieces[i]), 0);
		stream_compare(&whole, &stream, "read in pieces");
		/* The end stays the end. */
		CHECK_EQ(read(fd, stream.data, 1), 0);
		CHECK_EQ(read(fd, stream.data, 4096), 0);
		close(fd);
	}
	rig_close(&rig);
}

static void test_write_in_pieces(const struct options *options)
{
	struct stream whole, again;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &whole);
	for (size_t i = 0; i < PIECES; i++) {
		int fd = mig_go(&rig.vf[0], S(RESUMING));

		CHECK_EQ_IN(stream_write(fd, whole.data, whole.size, pieces[i], NULL), 0,
			    "pieces of %zu", pieces[i]);
		mig_go(&rig.vf[0], S(STOP));
		CHECK_EQ(write(fd, whole.data, 1), -1);
		CHECK_EQ(errno, ENODEV);
		close(fd);
		mig_save(&rig.vf[0], &again);
		stream_compare(&whole, &again, "written in pieces");
	}
	mig_go(&rig.vf[0], S(RUNNING));
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_wrong_direction(const struct options *options)
{
	struct stream stream;
	char byte = 0;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	fd = mig_go(&rig.vf[0], S(STOP_COPY));
	CHECK_EQ(write(fd, &byte, 1), -1);
	CHECK_EQ(errno, EBADF);
	CHECK_EQ(pread(fd, &byte, 1, 0), -1);
	CHECK_EQ(errno, ESPIPE);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), -1);
	CHECK_EQ(errno, ESPIPE);
	CHECK_EQ(ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, &byte), -1);
	/* None of this has cost a byte of the stream. */
	stream.size = 0;
	CHECK_EQ(stream_read(fd, &stream, 100), 0);
	stream_check(&stream, &rig.vf[0]);
	close(fd);

	fd = mig_go(&rig.vf[0], S(RESUMING));
	CHECK_EQ(read(fd, &byte, 1), -1);
	CHECK_EQ(errno, EBADF);
	CHECK_EQ(pwrite(fd, &byte, 1, 0), -1);
	CHECK_EQ(errno, ESPIPE);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), -1);
	CHECK_EQ(errno, ESPIPE);
	close(fd);
	rig_close(&rig);
}

static void test_bad_buffers(const struct options *options)
{
	void *volatile nowhere = (void *)8;
	struct stream stream = { .size = 0 }, whole;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &whole);
	mig_go(&rig.vf[0], S(STOP));
	fd = mig_go(&rig.vf[0], S(STOP_COPY));
	CHECK_EQ(read(fd, nowhere, 100), -1);
	CHECK_EQ(errno, EFAULT);
	CHECK_EQ(stream_read(fd, &stream, 100), 0);
	stream_compare(&whole, &stream, "after a read to nowhere");
	close(fd);

	fd = mig_go(&rig.vf[0], S(RESUMING));
	CHECK_EQ(write(fd, nowhere, 100), -1);
	CHECK_EQ(errno, EFAULT);
	CHECK_EQ(write(fd, whole.data, 0), 0);
	close(fd);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	rig_close(&rig);
}

/* The saving file may be closed at any time; the device does not mind. */
static void test_closed_early(const struct options *options)
{
	static const size_t taken[] = { 0, 1, 40, 500 };
	struct stream stream;
	uint8_t data[512];
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < 4; i++) {
		fd = mig_go(&rig.vf[0], S(STOP_COPY));
		if (taken[i])
			CHECK_EQ(read(fd, data, taken[i]), taken[i]);
		close(fd);
		mig_go(&rig.vf[0], S(RUNNING));
		rig_check_traffic(&rig, &rig.nic);
	}
	mig_save(&rig.vf[0], &stream);
	for (size_t i = 0; i < 4; i++) {
		fd = mig_go(&rig.vf[0], S(RESUMING));
		if (taken[i])
			CHECK_EQ(write(fd, stream.data, taken[i]), taken[i]);
		close(fd);
		/* An unfinished load cannot become a running device. */
		CHECK_EQ(mig_set(&rig.vf[0], S(RUNNING), NULL), -EINVAL);
		CHECK_EQ(mig_get(&rig.vf[0]), S(RESUMING));
		CHECK_EQ(vf_reset(&rig.vf[0]), 0);
		CHECK_EQ(mig_get(&rig.vf[0]), S(RUNNING));
	}
	nic_start_simple(&rig.nic, &rig.vf[0], &rig.iommu);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* Once the session is over its file says so, and the next one is not it. */
static void test_session_over(const struct options *options)
{
	struct stream stream;
	char byte;
	struct rig rig;
	int old, fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	old = mig_go(&rig.vf[0], S(STOP_COPY));
	mig_go(&rig.vf[0], S(STOP));
	CHECK_EQ(read(old, &byte, 1), -1);
	CHECK_EQ(errno, ENODEV);
	fd = mig_go(&rig.vf[0], S(STOP_COPY));
	CHECK_EQ(read(old, &byte, 1), -1);
	CHECK_EQ(errno, ENODEV);
	stream.size = 0;
	CHECK_EQ(stream_read(fd, &stream, 300), 0);
	stream_check(&stream, &rig.vf[0]);
	close(fd);
	close(old);
	rig_close(&rig);
}

/* A bad stream stays bad: no later write mends it. */
static void test_error_is_sticky(const struct options *options)
{
	struct stream good;
	char rubbish[64];
	struct rig rig;
	int fd, first;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &good);
	memset(rubbish, 0x5a, sizeof(rubbish));
	fd = mig_go(&rig.vf[0], S(RESUMING));
	first = stream_write(fd, rubbish, sizeof(rubbish), sizeof(rubbish), NULL);
	CHECK(first < 0);
	CHECK_EQ(stream_write(fd, good.data, good.size, good.size, NULL), first);
	CHECK_EQ(stream_write(fd, good.data, 1, 1, NULL), first);
	CHECK(mig_set(&rig.vf[0], S(STOP), NULL) < 0);
	CHECK_EQ(mig_get(&rig.vf[0]), S(RESUMING));
	close(fd);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	mig_restore(&rig.vf[0], &good, S(RUNNING));
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_data_after_the_end(const struct options *options)
{
	struct stream good;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &good);
	fd = mig_go(&rig.vf[0], S(RESUMING));
	CHECK_EQ(stream_write(fd, good.data, good.size, good.size, NULL), 0);
	CHECK(stream_write(fd, good.data, 1, 1, NULL) < 0);
	CHECK(mig_set(&rig.vf[0], S(STOP), NULL) < 0);
	close(fd);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	rig_close(&rig);
}

struct writer {
	pthread_t thread;
	pthread_barrier_t *start;
	const struct stream *stream;
	int fd;
	size_t piece;
	size_t done;
	int error;
};

static void *write_stream(void *argument)
{
	struct writer *writer = argument;

	pthread_barrier_wait(writer->start);
	writer->error = stream_write(writer->fd, writer->stream->data, writer->stream->size,
				     writer->piece, &writer->done);
	return NULL;
}

/* Two writers mix their bytes up. Whatever comes out, it never holds more than
 * one stream and the device can be brought back. */
static void test_two_writers(const struct options *options)
{
	struct stream good;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &good);
	for (size_t i = 0; i < 2 * PIECES; i++) {
		struct writer writers[2];
		pthread_barrier_t start;
		int fd = mig_go(&rig.vf[0], S(RESUMING));

		pthread_barrier_init(&start, NULL, 2);
		for (int w = 0; w < 2; w++) {
			writers[w] = (struct writer){
				.start = &start,
				.stream = &good,
				.fd = fd,
				.piece = pieces[(i + (size_t)w) % PIECES],
			};
			CHECK(!pthread_create(&writers[w].thread, NULL, write_stream,
					      &writers[w]));
		}
		for (int w = 0; w < 2; w++)
			pthread_join(writers[w].thread, NULL);
		CHECK(writers[0].error || writers[1].error);
		CHECK(writers[0].done + writers[1].done <= 4096);
		CHECK(mig_set(&rig.vf[0], S(STOP), NULL) < 0);
		CHECK_EQ(mig_get(&rig.vf[0]), S(RESUMING));
		close(fd);
		CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	}
	mig_restore(&rig.vf[0], &good, S(RUNNING));
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

struct reader {
	pthread_t thread;
	int fd;
	struct stream stream;
	int error;
};

static void *read_stream(void *argument)
{
	struct reader *reader = argument;

	reader->error = stream_read(reader->fd, &reader->stream, 1);
	return NULL;
}

/* Two readers share the stream: each byte goes to one of them. */
static void test_two_readers(const struct options *options)
{
	static struct reader readers[2];
	struct stream whole;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &whole);
	mig_go(&rig.vf[0], S(STOP));
	fd = mig_go(&rig.vf[0], S(STOP_COPY));
	for (int r = 0; r < 2; r++) {
		readers[r].fd = fd;
		CHECK(!pthread_create(&readers[r].thread, NULL, read_stream, &readers[r]));
	}
	for (int r = 0; r < 2; r++) {
		pthread_join(readers[r].thread, NULL);
		CHECK_EQ(readers[r].error, 0);
	}
	CHECK_EQ(readers[0].stream.size + readers[1].stream.size, whole.size);
	close(fd);
	rig_close(&rig);
}

const struct test stream_tests[] = {
	{ "stream.format", test_format, 0 },
	{ "stream.untouched", test_untouched, 0 },
	{ "stream.kept_for_debugging", test_kept_for_debugging, 0 },
	{ "stream.saved_twice", test_saved_twice, 0 },
	{ "stream.read_in_pieces", test_read_in_pieces, 0 },
	{ "stream.write_in_pieces", test_write_in_pieces, 0 },
	{ "stream.wrong_direction", test_wrong_direction, 0 },
	{ "stream.bad_buffers", test_bad_buffers, 0 },
	{ "stream.closed_early", test_closed_early, 0 },
	{ "stream.session_over", test_session_over, 0 },
	{ "stream.error_is_sticky", test_error_is_sticky, 0 },
	{ "stream.data_after_the_end", test_data_after_the_end, 0 },
	{ "stream.two_writers", test_two_writers, 0 },
	{ "stream.two_readers", test_two_readers, 0 },
	{ 0 },
};
