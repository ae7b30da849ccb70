// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Resets and ends in every state: after each one the device is RUNNING, its
 * old files are dead, it works, and the module is as free as before.
 */
#include "mig.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

static const uint8_t states[] = { S(RUNNING),  S(RUNNING_P2P), S(STOP),	       S(STOP_COPY),
				  S(RESUMING), S(PRE_COPY),    S(PRE_COPY_P2P) };

static void check_dead(int fd, uint32_t state)
{
	char byte = 0;

	if (fd < 0)
		return;
	CHECK_EQ_IN(state == S(RESUMING) ? write(fd, &byte, 1) : read(fd, &byte, 1), -1,
		    "a file of %s", state_name(state));
	CHECK_EQ(errno, ENODEV);
	close(fd);
}

static void check_alive(struct rig *rig)
{
	rig->iommu.used = 0;
	memset(rig->iommu.memory, 0, rig->iommu.size);
	CHECK_EQ(mig_get(&rig->vf[0]), S(RUNNING));
	nic_start_simple(&rig->nic, &rig->vf[0], &rig->iommu);
	rig_check_traffic(rig, &rig->nic);
}

static void test_every_state(const struct options *options)
{
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < sizeof(states); i++) {
		int fd;

		if (!mig_has_state(&rig.vf[0], states[i]))
			continue;
		fd = mig_go(&rig.vf[0], states[i]);
		CHECK_EQ_IN(vf_reset(&rig.vf[0]), 0, "in %s", state_name(states[i]));
		check_dead(fd, states[i]);
		check_alive(&rig);
	}
	rig_close(&rig);
}

/* The guest's own function level reset, through PCI configuration space. */
static void test_flr_by_config(const struct options *options)
{
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < sizeof(states); i++) {
		unsigned capability =
			vf_config_read16(&rig.vf[0], PCI_CAPABILITY_LIST) & 0xfc;
		uint16_t control;
		int fd;

		if (!mig_has_state(&rig.vf[0], states[i]))
			continue;
		while (capability &&
		       (vf_config_read16(&rig.vf[0], capability) & 0xff) != PCI_CAP_ID_EXP)
			capability = vf_config_read16(&rig.vf[0], capability) >> 8;
		CHECK(capability);
		fd = mig_go(&rig.vf[0], states[i]);
		control = vf_config_read16(&rig.vf[0], capability + PCI_EXP_DEVCTL);
		vf_config_write16(&rig.vf[0], capability + PCI_EXP_DEVCTL,
				  control | PCI_EXP_DEVCTL_BCR_FLR);
		check_dead(fd, states[i]);
		check_alive(&rig);
	}
	rig_close(&rig);
}

/* What the kernel's aer_inject takes; its header is not exported. */
struct injected_error {
	uint8_t bus, device, function;
	uint32_t uncorrectable, correctable, header[4];
	uint32_t domain;
};

static void inject_bus_error(const char *address)
{
	struct injected_error error = { .uncorrectable = PCI_ERR_UNC_COMP_ABORT };
	unsigned domain, bus, device, function;
	int fd = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(sscanf(address, "%x:%x:%x.%x", &domain, &bus, &device, &function), 4);
	error.domain = domain;
	error.bus = (uint8_t)bus;
	error.device = (uint8_t)device;
	error.function = (uint8_t)function;
	CHECK_EQ(write(fd, &error, sizeof(error)), sizeof(error));
	close(fd);
}

/* A bus error gives ERROR in every state, which only a reset leaves. */
static void test_bus_error(const struct options *options)
{
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < sizeof(states); i++) {
		uint64_t deadline = now_ns() + 10000000000ULL;
		int fd, error;

		if (!mig_has_state(&rig.vf[0], states[i]))
			continue;
		fd = mig_go(&rig.vf[0], states[i]);
		inject_bus_error(rig.vf[0].address);
		while (mig_get(&rig.vf[0]) != S(ERROR)) {
			CHECK_IN(now_ns() < deadline, "no ERROR in %s", state_name(states[i]));
			usleep(1000);
		}
		check_dead(fd, states[i]);
		for (size_t j = 0; j < sizeof(states); j++)
			CHECK_EQ_IN(mig_set(&rig.vf[0], states[j], NULL), -EINVAL, "ERROR to %s",
				    state_name(states[j]));
		CHECK_EQ(mig_get(&rig.vf[0]), S(ERROR));
		/* The kernel's own recovery may still hold the device. */
		do {
			error = vf_reset(&rig.vf[0]);
		} while (error == -EAGAIN && now_ns() < deadline);
		CHECK_EQ_IN(error, 0, "reset after %s", state_name(states[i]));
		check_alive(&rig);
	}
	rig_close(&rig);
}

/* A file closed only after the reset, and a reset while nobody looks. */
static void test_twice(const struct options *options)
{
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	fd = mig_go(&rig.vf[0], S(STOP_COPY));
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	check_dead(fd, S(STOP_COPY));
	check_alive(&rig);
	rig_close(&rig);
}

static void test_half_loaded(const struct options *options)
{
	struct stream stream;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &stream);
	for (size_t part = 100; part <= stream.size; part += 300) {
		fd = mig_go(&rig.vf[0], S(RESUMING));
		CHECK_EQ(stream_write(fd, stream.data, part, 4096, NULL), 0);
		CHECK_EQ(vf_reset(&rig.vf[0]), 0);
		check_dead(fd, S(RESUMING));
		check_alive(&rig);
	}
	/* All of it, but never made to run. */
	fd = mig_go(&rig.vf[0], S(RESUMING));
	CHECK_EQ(stream_write(fd, stream.data, stream.size, 4096, NULL), 0);
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	check_dead(fd, S(RESUMING));
	check_alive(&rig);
	rig_close(&rig);
}

/* The guest resets its VF through CTRL.RST, in PRE_COPY too. */
static void test_ctrl_rst(const struct options *options)
{
	struct stream stream;
	struct rig rig;
	int fd;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	fd = mig_has_state(&rig.vf[0], S(PRE_COPY)) ? mig_go(&rig.vf[0], S(PRE_COPY)) : -1;
	rig.iommu.used = 0;
	nic_start_simple(&rig.nic, &rig.vf[0], &rig.iommu);
	rig_check_traffic(&rig, &rig.nic);
	if (fd >= 0) {
		stream.size = 0;
		CHECK_EQ(mig_go(&rig.vf[0], S(STOP_COPY)), -1);
		CHECK_EQ(stream_read(fd, &stream, 4096), 0);
		close(fd);
	} else {
		mig_save(&rig.vf[0], &stream);
	}
	mig_restore(&rig.vf[1], &stream, S(RUNNING));
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	nic_move(&rig.nic, &rig.vf[1]);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

static int module_users(const char *address)
{
	char driver[64], path[128];
	FILE *file;
	int users = -1;

	vf_driver(address, driver, sizeof(driver));
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", driver);
	file = fopen(path, "r");
	CHECK_IN(file, "%s", path);
	CHECK(fscanf(file, "%d", &users) == 1);
	fclose(file);
	return users;
}

static void wait_module_users(const char *address, int users)
{
	uint64_t deadline = now_ns() + 2000000000ULL;

	while (module_users(address) != users && now_ns() < deadline)
		usleep(1000);
	CHECK_EQ(module_users(address), users);
}

/* The device is closed in every state, its file before or after it. Then the
 * module can be unloaded: its use count tells. */
static void test_closed_in_every_state(const struct options *options)
{
	int before = module_users(options->vf[0]);
	bool migrates = false;

	for (size_t i = 0; i < 2 * sizeof(states); i++) {
		uint32_t state = states[i / 2];
		struct rig rig;
		int fd;

		rig_open_nic(&rig, options, 1);
		migrates = mig_flags(&rig.vf[0]);
		if (!migrates || !mig_has_state(&rig.vf[0], state)) {
			rig_close(&rig);
			continue;
		}
		CHECK(module_users(options->vf[0]) > before);
		CHECK_EQ(mig_get(&rig.vf[0]), S(RUNNING));
		fd = mig_go(&rig.vf[0], state);
		if (i % 2 && fd >= 0)
			close(fd);
		rig_close(&rig);
		if (!(i % 2))
			check_dead(fd, state);
		wait_module_users(options->vf[0], before);
	}
	if (!migrates)
		check_skip("the VF's driver cannot migrate");
}

/* Closed while the log is on; opened again it is off. */
static void test_closed_while_logging(const struct options *options)
{
	int before = module_users(options->vf[0]);

	for (int round = 0; round < 2; round++) {
		uint64_t page_size = PAGE;
		struct range all;
		struct rig rig;

		rig_open_nic(&rig, options, 1);
		log_require(&rig.vf[0]);
		all = (struct range){ rig.iommu.iova, rig.iommu.size };
		CHECK_EQ(log_start(&rig.vf[0], &all, 1, &page_size), 0);
		rig_check_traffic(&rig, &rig.nic);
		rig_close(&rig);
		wait_module_users(options->vf[0], before);
	}
}

struct racer {
	pthread_t thread;
	struct vf *vf;
	volatile bool stop;
	unsigned done;
};

static void *change_states(void *argument)
{
	struct racer *racer = argument;

	while (!racer->stop) {
		for (size_t i = 0; i < sizeof(states); i++) {
			int fd;

			if (!mig_set(racer->vf, states[i], &fd) && fd >= 0) {
				char data[4096] = { 0 };

				if (states[i] == S(RESUMING))
					(void)!write(fd, data, sizeof(data));
				else
					(void)!read(fd, data, sizeof(data));
				close(fd);
			}
			racer->done++;
		}
	}
	return NULL;
}

static void *touch_registers(void *argument)
{
	struct racer *racer = argument;
	uint8_t data[256];

	while (!racer->stop) {
		vf_pread(racer->vf, IGBVF_VMBMEM, data, 64);
		vf_pread(racer->vf, IGBVF_RDBAL(0), data, 256);
		vf_pwrite(racer->vf, IGBVF_RDT(0), (uint8_t[4]){ 0 }, 4);
		racer->done++;
	}
	return NULL;
}

static void *report_pages(void *argument)
{
	static uint64_t bitmap[RIG_MEMORY / PAGE / 64];
	struct racer *racer = argument;
	uint64_t page_size = PAGE;
	struct range all = { 0x100000000ULL, RIG_MEMORY };

	while (!racer->stop) {
		log_start(racer->vf, &all, 1, &page_size);
		log_report(racer->vf, all.iova, all.length, PAGE, bitmap);
		log_stop(racer->vf);
		racer->done++;
	}
	return NULL;
}

/* Resets come in between everything that takes the driver's locks. */
static void test_races(const struct options *options)
{
	void *(*const work[])(void *) = { change_states, touch_registers, report_pages };
	struct racer racers[3];
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (int i = 0; i < 3; i++) {
		racers[i] = (struct racer){ .vf = &rig.vf[0] };
		CHECK(!pthread_create(&racers[i].thread, NULL, work[i], &racers[i]));
	}
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(vf_reset(&rig.vf[0]), 0);
		usleep(10000);
	}
	for (int i = 0; i < 3; i++)
		racers[i].stop = true;
	for (int i = 0; i < 3; i++) {
		pthread_join(racers[i].thread, NULL);
		CHECK(racers[i].done > 0);
	}
	CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	check_alive(&rig);
	check_note("%u states, %u accesses, %u logs between 20 resets", racers[0].done,
		   racers[1].done, racers[2].done);
	rig_close(&rig);
}

static void *read_status(void *argument)
{
	struct racer *racer = argument;
	char text[4096];

	while (!racer->stop) {
		int fd = vf_debugfs_open(racer->vf, "status");

		CHECK(fd >= 0);
		CHECK(read(fd, text, sizeof(text)) > 0);
		close(fd);
		racer->done++;
	}
	return NULL;
}

/* Whoever looks at debugfs meanwhile does not swallow a reset. */
static void test_status_read(const struct options *options)
{
	struct racer racers[2];
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (int i = 0; i < 2; i++) {
		racers[i] = (struct racer){ .vf = &rig.vf[0] };
		CHECK(!pthread_create(&racers[i].thread, NULL, read_status, &racers[i]));
	}
	for (int i = 0; i < 30; i++) {
		mig_go(&rig.vf[0], S(STOP));
		CHECK_EQ(vf_reset(&rig.vf[0]), 0);
		CHECK_EQ_IN(mig_get(&rig.vf[0]), S(RUNNING), "reset %d", i);
	}
	for (int i = 0; i < 2; i++) {
		racers[i].stop = true;
		pthread_join(racers[i].thread, NULL);
		CHECK(racers[i].done > 0);
	}
	check_alive(&rig);
	rig_close(&rig);
}

const struct test reset_tests[] = {
	{ "reset.every_state", test_every_state, 0 },
	{ "reset.flr_by_config", test_flr_by_config, 0 },
	{ "reset.bus_error", test_bus_error, 60 },
	{ "reset.twice", test_twice, 0 },
	{ "reset.half_loaded", test_half_loaded, 0 },
	{ "reset.ctrl_rst", test_ctrl_rst, 0 },
	{ "reset.closed_in_every_state", test_closed_in_every_state, 0 },
	{ "reset.closed_while_logging", test_closed_while_logging, 0 },
	{ "reset.races", test_races, 120 },
	{ "reset.status_read", test_status_read, 60 },
	{ 0 },
};
