// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PRE_COPY: what its data file gives before the device stops, and after.
 */
#include "rig.h"
#include "sections.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

static int precopy_info(int fd, struct vfio_precopy_info *info)
{
	*info = (struct vfio_precopy_info){ .argsz = sizeof(*info) };
	return ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, info) ? -errno : 0;
}

/* PRE_COPY gives the identity, then "nothing more for now"; STOP_COPY goes on
 * in the same file, and all of it together is one good stream. */
static void test_precopy(const struct options *options)
{
	struct vfio_precopy_info info;
	struct stream stream = { .size = 0 }, before;
	struct pollfd readable = { .events = POLLIN };
	struct rig rig;
	uint8_t byte;
	int fd, more;

	rig_open_nic(&rig, options, 2);
	mig_require_precopy(&rig.vf[0]);
	mig_save(&rig.vf[0], &before);
	mig_go(&rig.vf[0], S(RUNNING));

	fd = mig_go(&rig.vf[0], S(PRE_COPY));
	CHECK_EQ(precopy_info(fd, &info), 0);
	CHECK(info.initial_bytes > 0 && info.initial_bytes < before.size);
	CHECK_EQ(info.dirty_bytes, 0);
	CHECK_EQ(read(fd, stream.data, 1), 1);
	stream.size = 1;
	CHECK_EQ(precopy_info(fd, &info), 0);
	while (info.initial_bytes) {
		CHECK_EQ(read(fd, stream.data + stream.size, 7) > 0, true);
		stream.size += info.initial_bytes < 7 ? info.initial_bytes : 7;
		CHECK_EQ(precopy_info(fd, &info), 0);
	}
	CHECK_EQ(read(fd, &byte, 1), -1);
	CHECK_EQ(errno, ENOMSG);
	rig_check_traffic(&rig, &rig.nic);
	CHECK_EQ(read(fd, &byte, 1), -1);
	CHECK_EQ(errno, ENOMSG);

	if (mig_has_state(&rig.vf[0], S(PRE_COPY_P2P))) {
		CHECK_EQ(mig_go(&rig.vf[0], S(PRE_COPY_P2P)), -1);
		CHECK_EQ(precopy_info(fd, &info), 0);
		CHECK_EQ(info.initial_bytes, 0);
		CHECK_EQ(read(fd, &byte, 1), -1);
		CHECK_EQ(errno, ENOMSG);
	}
	CHECK_EQ(mig_set(&rig.vf[0], S(STOP_COPY), &more), 0);
	CHECK_EQ(more, -1);
	CHECK_EQ(precopy_info(fd, &info), -EINVAL);
	CHECK_EQ(stream_read(fd, &stream, 100), 0);
	readable.fd = fd;
	CHECK_EQ(poll(&readable, 1, 0), 1);
	close(fd);
	stream_check(&stream, &rig.vf[0]);
	mig_restore(&rig.vf[1], &stream, S(RUNNING));
	nic_move(&rig.nic, &rig.vf[1]);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static void test_precopy_info_arguments(const struct options *options)
{
	struct vfio_precopy_info info = { .argsz = sizeof(info) - 1 };
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require_precopy(&rig.vf[0]);
	fd = mig_go(&rig.vf[0], S(PRE_COPY));
	CHECK_EQ(ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, &info), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, NULL), -1);
	CHECK_EQ(errno, EFAULT);
	CHECK_EQ(ioctl(fd, VFIO_DEVICE_RESET), -1);
	CHECK_EQ(errno, ENOTTY);
	close(fd);
	rig_close(&rig);
}

/* PRE_COPY given up: the file is over, the device works, and a second round
 * starts from the beginning. */
static void test_precopy_cancelled(const struct options *options)
{
	struct vfio_precopy_info info;
	struct stream stream;
	uint8_t byte;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require_precopy(&rig.vf[0]);
	for (int round = 0; round < 3; round++) {
		fd = mig_go(&rig.vf[0], S(PRE_COPY));
		CHECK_EQ(read(fd, &byte, 1), 1);
		rig_check_traffic(&rig, &rig.nic);
		mig_go(&rig.vf[0], S(RUNNING));
		CHECK_EQ(read(fd, &byte, 1), -1);
		CHECK_EQ(errno, ENODEV);
		CHECK_EQ(precopy_info(fd, &info) < 0, true);
		close(fd);
		rig_check_traffic(&rig, &rig.nic);
	}
	mig_save(&rig.vf[0], &stream);
	stream_check(&stream, &rig.vf[0]);
	rig_close(&rig);
}

/* The first piece alone tells a foreign destination to say no. */
static void test_identity_first(const struct options *options)
{
	struct vfio_precopy_info info;
	struct sections sections;
	struct section *ident;
	struct stream stream = { .size = 0 };
	uint16_t device = 0x1520;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require_precopy(&rig.vf[0]);
	fd = mig_go(&rig.vf[0], S(PRE_COPY));
	CHECK_EQ(precopy_info(fd, &info), 0);
	stream.size = info.initial_bytes;
	CHECK_EQ(read(fd, stream.data, sizeof(stream.data)), info.initial_bytes);
	close(fd);
	CHECK(sections_find(&stream, &sections));
	ident = sections_get(&sections, IGBVF_SECTION_IDENT);
	CHECK(ident);

	fd = mig_go(&rig.vf[0], S(RESUMING));
	CHECK_EQ(stream_write(fd, stream.data, stream.size, 9, NULL), 0);
	close(fd);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);

	memcpy(ident->payload + offsetof(struct igbvf_section_ident, device), &device,
	       sizeof(device));
	stream_seal(&stream);
	fd = mig_go(&rig.vf[0], S(RESUMING));
	CHECK(stream_write(fd, stream.data, stream.size, STREAM_MAX, NULL) < 0);
	close(fd);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	rig_close(&rig);
}

const struct test precopy_tests[] = {
	{ "precopy.stream", test_precopy, 0 },
	{ "precopy.info_arguments", test_precopy_info_arguments, 0 },
	{ "precopy.cancelled", test_precopy_cancelled, 0 },
	{ "precopy.identity_first", test_identity_first, 0 },
	{ 0 },
};
