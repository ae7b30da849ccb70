// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Allocations of the driver that fail, each of them once, and copies from and
 * to its user: it gives an error, or goes on; the VF works afterwards, and the
 * kernel has nothing to say. Here: the driver gets a VF, a user opens it.
 */
#include "faults.h"
#include "rig.h"
#include "uapi.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT 1800 /* seconds: each failure is a try of its own */

/* Gives 0 or -errno. */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	CHECK_IN(fd >= 0, "%s", path);
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* The driver gets the VF, and loses it. */

struct binding {
	const char *vf;
	char bind[128], unbind[128];
};

static void unbind(void *context)
{
	struct binding *binding = context;

	CHECK_EQ(write_file(binding->unbind, binding->vf), 0);
}

static int run_bind(void *context)
{
	struct binding *binding = context;

	return write_file(binding->bind, binding->vf);
}

static void bind_again(void *context)
{
	CHECK_EQ(run_bind(context), 0);
}

static int run_unbind(void *context)
{
	struct binding *binding = context;

	return write_file(binding->unbind, binding->vf);
}

static void settle_bind(void *context, int error)
{
	if (error)
		bind_again(context);
}

static void settle_unbind(void *context, int error)
{
	CHECK_EQ(error, 0);
	bind_again(context);
}

static void test_bind(const struct options *options)
{
	/* When vfio cannot add its group, it warns of its own way out. */
	const struct attempt bind = { .name = "bind", .prepare = unbind, .run = run_bind,
				      .settle = settle_bind,
				      .spared = "vfio_device_set_group" };
	const struct attempt leave = { .name = "unbind", .run = run_unbind,
				       .settle = settle_unbind };
	struct binding binding = { .vf = options->vf[0] };
	char driver[64], override[128];

	faults_require(binding.vf);
	vf_driver(binding.vf, driver, sizeof(driver));
	snprintf(override, sizeof(override), "/sys/bus/pci/devices/%s/driver_override",
		 binding.vf);
	snprintf(binding.bind, sizeof(binding.bind), "/sys/bus/pci/drivers/%s/bind", driver);
	snprintf(binding.unbind, sizeof(binding.unbind), "/sys/bus/pci/drivers/%s/unbind", driver);
	check_after("echo > %s", override);
	CHECK_EQ(write_file(override, driver), 0);
	faults_each(&bind, &binding);
	faults_each(&leave, &binding);
}

/* The device's file, and what is asked of it before a NIC works. */

static void settle_open(void *context, int error)
{
	struct vf *vf = context;

	if (!error)
		close(vf->device);
}

static int run_open(void *context)
{
	struct vf *vf = context;

	vf->device = ioctl(vf->group, VFIO_GROUP_GET_DEVICE_FD, vf->address);
	return vf->device < 0 ? -errno : 0;
}

static void open_again(void *context)
{
	CHECK_EQ(run_open(context), 0);
}

static int run_close(void *context)
{
	struct vf *vf = context;

	return close(vf->device) ? -errno : 0;
}

static int run_region_info(void *context)
{
	union {
		struct vfio_region_info info;
		uint64_t space[128];
	} buffer = { .info = { .argsz = sizeof(buffer), .index = VFIO_PCI_BAR0_REGION_INDEX } };
	struct vf *vf = context;

	return ioctl(vf->device, VFIO_DEVICE_GET_REGION_INFO, &buffer) ? -errno : 0;
}

static int set_interrupts(struct vf *vf, uint32_t flags, const int *fds, unsigned count)
{
	union {
		struct vfio_irq_set set;
		uint8_t space[sizeof(struct vfio_irq_set) + VECTORS * sizeof(int)];
	} buffer = { .set = { .argsz = (uint32_t)(sizeof(buffer.set) + count * sizeof(int)),
			      .flags = flags | VFIO_IRQ_SET_ACTION_TRIGGER,
			      .index = VFIO_PCI_MSIX_IRQ_INDEX,
			      .count = count } };
	int vectors;

	if (count)
		memcpy(buffer.space + sizeof(buffer.set), fds, count * sizeof(int));
	vectors = ioctl(vf->device, VFIO_DEVICE_SET_IRQS, &buffer);
	if (vectors < 0)
		return -errno;
	/* So many there could be; none is on. */
	return vectors > 0 ? -ENOSPC : 0;
}

static int run_interrupts(void *context)
{
	int fds[VECTORS], error;

	for (unsigned i = 0; i < VECTORS; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	error = set_interrupts(context, VFIO_IRQ_SET_DATA_EVENTFD, fds, VECTORS);
	for (unsigned i = 0; i < VECTORS; i++)
		close(fds[i]);
	return error;
}

static void settle_interrupts(void *context, int error)
{
	if (!error)
		CHECK_EQ(set_interrupts(context, VFIO_IRQ_SET_DATA_NONE, NULL, 0), 0);
}

static int run_status(void *context)
{
	static char text[16384];
	int fd = vf_debugfs_open(context, "status"), error = 0;

	if (fd < 0)
		return fd;
	if (read(fd, text, sizeof(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

static void settle_nothing(void *context, int error)
{
	(void)context;
	(void)error;
}

static void test_open(const struct options *options)
{
	/* EBUSY: PCI has no memory to note who has a BAR. */
	const struct attempt enter = { .name = "open", .run = run_open, .settle = settle_open,
				       .also = EBUSY };
	const struct attempt leave = { .name = "close", .prepare = open_again, .run = run_close,
				       .settle = settle_nothing };
	const struct attempt info = { .name = "region info", .run = run_region_info,
				      .settle = settle_nothing };
	/* Spared: without memory interrupts of Linux 6.12 warn, and go through a NULL pointer. */
	const struct attempt interrupts = { .name = "interrupts", .run = run_interrupts,
					    .settle = settle_interrupts,
					    .spared = "vfio_pci_set_msi_trigger" };
	const struct attempt status = { .name = "status", .run = run_status,
					.settle = settle_nothing };
	struct rig rig;
	struct vf *vf = &rig.vf[0];

	faults_require(options->vf[0]);
	rig_open(&rig, options, 1);
	for (unsigned i = 0; i < BAR0_PAGES; i++)
		if (vf->page[i]) {
			munmap((void *)vf->page[i], PAGE);
			vf->page[i] = NULL;
		}
	close(vf->device);
	faults_each(&enter, vf);
	faults_each(&leave, vf);
	open_again(vf);
	faults_each(&info, vf);
	faults_each(&interrupts, vf);
	faults_each(&status, vf);
	rig_close(&rig);
}

const struct test faults_tests[] = {
	{ "faults.bind", test_bind, LIMIT },
	{ "faults.open", test_open, LIMIT },
	{ 0 },
};
