// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hostile streams on real VFs. Leaving a refused RESUMING takes a function
 * level reset, 100 ms by the PCI Express specification, so each VF named on the
 * command line gets a process of its own and they share the mutations.
 */
#include "mutate.h"
#include "rig.h"
#include "workers.h"

#include <endian.h>
#include <regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

#define CHECK_UP_EVERY 150 /* mutations of one VF */

struct tally {
	unsigned done, refused, incomplete, accepted, ran, checked;
};

/* Memory of all workers. */
struct plan {
	unsigned workers;
	struct tally tally;
};

struct worker {
	const struct options *options;
	struct tally *tally;
	struct rig rig;
	struct stream plain, rich; /* streams of a real device */
};

static void add(unsigned *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* The device is as good as new: reset, set up, a frame each way. */
static void check_up(struct worker *worker)
{
	struct rig *rig = &worker->rig;

	CHECK_EQ(vf_reset(&rig->vf[0]), 0);
	CHECK_EQ(mig_get(&rig->vf[0]), S(RUNNING));
	rig->iommu.used = 0;
	memset(rig->iommu.memory, 0, rig->iommu.size);
	nic_start_simple(&rig->nic, &rig->vf[0], &rig->iommu);
	mailbox_clear_unicast(&rig->nic.mailbox, rig->nic.mac);
	rig_check_traffic(rig, &rig->nic);
	add(&worker->tally->checked);
}

/* What a busy guest leaves behind: every section has something in it. */
static void make_rich(struct worker *worker)
{
	static const uint16_t hashes[] = { 0x123, 0xfff, 0x001 };
	struct rig *rig = &worker->rig;
	uint8_t second[MAC_LENGTH];
	int fds[VECTORS];

	mac_random(second);
	mailbox_add_unicast(&rig->nic.mailbox, second);
	mailbox_set_vlan(&rig->nic.mailbox, 101, true);
	mailbox_set_vlan(&rig->nic.mailbox, 2020, true);
	mailbox_set_max_frame(&rig->nic.mailbox, 3000);
	mailbox_set_all_multicast(&rig->nic.mailbox, true);
	mailbox_set_multicast(&rig->nic.mailbox, hashes, 3);
	nic_interrupts_enable(&rig->nic, fds);
	vf_write(&rig->vf[0], IGBVF_EITR(0), 0x100);
	rx_open(&rig->nic, 1, 32, 3072, 192);
	rx_enable(&rig->nic, 1);
	tx_open(&rig->nic, true);
	rig_check_traffic(rig, &rig->nic);
}

static bool inside(const struct iommu *iommu, uint64_t base, uint64_t length)
{
	return base >= iommu->iova && length <= iommu->size &&
	       base - iommu->iova <= iommu->size - length;
}

static void check_ring(uint64_t base, uint32_t length, const char *what)
{
	CHECK_IN(base % 128 == 0 && length % 128 == 0 && length < 0x100000,
		 "%s: ring at 0x%llx, 0x%x bytes", what, (unsigned long long)base, length);
}

/* Our own reading of what a device can have, apart from the driver's. Fails
 * where a ring is accepted that cannot be; tells whether it may run without
 * reading memory that is not there (which only fills the log of the IOMMU). */
static bool check_rings(struct worker *worker, struct stream *stream, const char *what)
{
	const struct iommu *iommu = &worker->rig.iommu;
	struct sections sections;
	struct section *rx, *tx;
	bool may_run = true;

	CHECK(sections_find(stream, &sections));
	rx = sections_get(&sections, IGBVF_SECTION_RX_QUEUES);
	tx = sections_get(&sections, IGBVF_SECTION_TX_QUEUES);
	CHECK(rx && tx);
	for (unsigned i = 0; i < RX_QUEUES; i++) {
		struct igbvf_section_rx_queue r;
		struct igbvf_section_tx_queue t;
		uint32_t rx_slots, tx_slots;

		memcpy(&r, rx->payload + i * sizeof(r), sizeof(r));
		memcpy(&t, tx->payload + i * sizeof(t), sizeof(t));
		rx_slots = le32toh(r.length) / 16;
		tx_slots = le32toh(t.length) / 16;
		/* A ring that is off holds anything that its registers hold. */
		check_ring(le64toh(r.base), le32toh(r.length), what);
		check_ring(le64toh(t.base), le32toh(t.length), what);
		if (le32toh(r.rxdctl) & IGBVF_QUEUE_ENABLE) {
			CHECK_IN(rx_slots <= 32768 && le32toh(r.head) < rx_slots &&
					 le32toh(r.tail) < rx_slots,
				 "%s", what);
			may_run &= inside(iommu, le64toh(r.base), le32toh(r.length));
		}
		if (le32toh(t.txdctl) & IGBVF_QUEUE_ENABLE) {
			CHECK_IN(tx_slots <= 32768 && le32toh(t.head) < tx_slots &&
					 le32toh(t.tail) < tx_slots,
				 "%s", what);
			/* Frames to send come from a ring with nonsense in it. */
			may_run &= t.head == t.tail;
		}
	}
	return may_run;
}

/* Is the section something that the device holds, unchanged, after a load? */
static bool kept(const struct section *section, bool pending)
{
	switch (section->type) {
	case IGBVF_SECTION_MAILBOX:
		return !pending; /* the PF answers into it */
	case IGBVF_SECTION_RX_QUEUES:
	case IGBVF_SECTION_TX_QUEUES:
	case IGBVF_SECTION_INTERRUPTS:
	case IGBVF_SECTION_STATISTICS:
		return true;
	default:
		return false; /* IDENT was checked; END counts; others are optional */
	}
}

/* The device saves again what it has accepted. */
static void check_says(struct worker *worker, struct stream *accepted, const char *what)
{
	struct sections said, says;
	struct stream again;
	uint32_t flags = 0;

	mig_save(&worker->rig.vf[0], &again);
	stream_check(&again, &worker->rig.vf[0]);
	CHECK(sections_find(accepted, &said) && sections_find(&again, &says));
	for (unsigned i = 0; i < said.count; i++) {
		struct section *one = &said.section[i];
		struct section *two = sections_get(&says, one->type);

		if (one->type == IGBVF_SECTION_MAILBOX)
			memcpy(&flags, one->payload, sizeof(flags));
		if (!kept(one, le32toh(flags) & IGBVF_MBX_PENDING))
			continue;
		CHECK_IN(two && two->payload_length == one->payload_length,
			 "%s: section %u", what, one->type);
		for (size_t byte = 0; byte < one->payload_length; byte++)
			CHECK_IN(one->payload[byte] == two->payload[byte],
				 "%s: section %u byte %zu: 0x%02x accepted, 0x%02x saved",
				 what, one->type, byte, one->payload[byte],
				 two->payload[byte]);
	}
}

static void check_accepted(struct worker *worker, struct stream *stream, const char *what)
{
	bool may_run = check_rings(worker, stream, what);

	add(&worker->tally->accepted);
	check_says(worker, stream, what);
	if (may_run) {
		mig_go(&worker->rig.vf[0], S(RUNNING));
		stream_compare_registers(stream, &worker->rig.vf[0], what);
		add(&worker->tally->ran);
	}
}

static void feed(struct worker *worker, unsigned number)
{
	struct vf *vf = &worker->rig.vf[0];
	const struct options *options = worker->options;
	struct random random = { .state = options->seed + number };
	const char *what, *done;
	struct stream stream;
	enum verdict verdict;
	bool swap = number / 4 % 2;
	char text[160];
	int fd, error;

	verdict = mutate(options->seed, number, swap ? &worker->plain : &worker->rich,
			 swap ? &worker->rich : &worker->plain, &stream, &what);
	snprintf(text, sizeof(text), "mutation %u, seed 0x%llx, %s", number,
		 (unsigned long long)options->seed, what);
	error = mig_set(vf, S(RESUMING), &fd);
	CHECK_EQ_IN(error, 0, "%s", text);
	error = stream_write(fd, stream.data, stream.size,
			     1 + random_below(&random, 2 * STREAM_MAX), NULL);
	close(fd);
	if (error) {
		done = "refused in write()";
		CHECK_IN(mig_get(vf) == S(RESUMING), "%s", text);
		CHECK_IN(mig_set(vf, S(STOP), NULL) < 0, "%s", text);
		add(&worker->tally->refused);
	} else if (mig_set(vf, S(STOP), NULL)) {
		done = "refused at the end";
		CHECK_IN(mig_get(vf) == S(RESUMING), "%s", text);
		add(&worker->tally->incomplete);
		error = -EINVAL;
	} else {
		done = "accepted";
		CHECK_IN(verdict == MAY_ACCEPT, "%s: %s", text, done);
		check_accepted(worker, &stream, text);
	}
	if (verdict == MUST_REFUSE)
		CHECK_IN(!strcmp(done, "refused in write()"), "%s: %s", text, done);
	if (error)
		CHECK_EQ_IN(vf_reset(vf), 0, "%s", text);
	add(&worker->tally->done);
}

static void work(const struct options *own, unsigned index, void *shared)
{
	struct plan *plan = shared;
	struct worker worker = { .options = own, .tally = &plan->tally };
	unsigned step = plan->workers;
	unsigned fed = 0;

	rig_open(&worker.rig, own, 1);
	check_up(&worker);
	make_rich(&worker);
	mig_save(&worker.rig.vf[0], &worker.rich);
	check_up(&worker);
	mig_save(&worker.rig.vf[0], &worker.plain);

	for (unsigned number = index; number < own->mutations; number += step) {
		feed(&worker, number);
		if (++fed % CHECK_UP_EVERY == 0)
			check_up(&worker);
		if (index == 0 && fed % (own->mutations / 10 / step + 1) == 0)
			check_note(
				"%u of %u: %u refused in write, %u incomplete, %u accepted",
				plan->tally.done, own->mutations, plan->tally.refused,
				plan->tally.incomplete, plan->tally.accepted);
	}
	check_up(&worker);
	rig_close(&worker.rig);
}

static void test_mutations(const struct options *options)
{
	struct plan *plan = workers_memory(sizeof(*plan));
	struct tally *tally = &plan->tally;
	struct rig rig;

	rig_open(&rig, options, 1);
	mig_require(&rig.vf[0]);
	rig_close(&rig);
	check_note("seed 0x%llx, %u VFs", (unsigned long long)options->seed,
		   options->vf_count);
	/* Whatever was loaded into shared tables of the PF goes with its reset. */
	check_after("ip link set dev %s down && ip link set dev %s up", options->pf,
		    options->pf);
	plan->workers = options->vf_count;
	workers_run(options, work, plan);
	check_note("%u mutations: %u refused in write, %u incomplete, %u accepted "
		   "(%u of them run), %u times the VF worked",
		   tally->done, tally->refused, tally->incomplete, tally->accepted,
		   tally->ran, tally->checked);
	CHECK_EQ(tally->done, options->mutations);
	CHECK_EQ(tally->refused + tally->incomplete + tally->accepted, tally->done);
	/* A driver that says no to all, or yes to all, fails. */
	CHECK(tally->accepted > tally->done / 100);
	CHECK(tally->refused > tally->done / 2);
}

/* The very first byte may be the last: writes of rubbish of any size. */
static void test_rubbish(const struct options *options)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 100, 4096, 4097, 8192 };
	static uint8_t rubbish[8192];
	struct random random = { .state = options->seed };
	struct rig rig;

	rig_open(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < sizeof(rubbish); i++)
		rubbish[i] = (uint8_t)random_next(&random);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = mig_go(&rig.vf[0], S(RESUMING));
		int error = stream_write(fd, rubbish, sizes[i], sizes[i], NULL);

		if (sizes[i] >= sizeof(struct igbvf_section_header))
			CHECK_IN(error < 0, "%zu bytes", sizes[i]);
		CHECK(mig_set(&rig.vf[0], S(STOP), NULL) < 0);
		close(fd);
		CHECK_EQ(vf_reset(&rig.vf[0]), 0);
	}
	nic_start_simple(&rig.nic, &rig.vf[0], &rig.iommu);
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

const struct test hostile_tests[] = {
	{ "hostile.rubbish", test_rubbish, 0 },
	{ "hostile.mutations", test_mutations, 1800 },
	{ 0 },
};
