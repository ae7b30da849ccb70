// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state machine. What is legal is computed here from the rules of the
 * uapi text ("shortest path", "no saving state inside"), not taken from the
 * kernel's table.
 */
#include "mig.h"
#include "rig.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name

/* The arcs of the uapi text. */
static const struct {
	uint8_t from, to;
} arcs[] = {
	{ S(RUNNING_P2P), S(STOP) },	  { S(STOP_COPY), S(STOP) },
	{ S(RESUMING), S(STOP) },	  { S(PRE_COPY), S(RUNNING) },
	{ S(RUNNING_P2P), S(RUNNING) },	  { S(PRE_COPY_P2P), S(RUNNING_P2P) },
	{ S(RUNNING), S(RUNNING_P2P) },	  { S(STOP), S(RUNNING_P2P) },
	{ S(RUNNING), S(PRE_COPY) },	  { S(RUNNING_P2P), S(PRE_COPY_P2P) },
	{ S(STOP), S(STOP_COPY) },	  { S(PRE_COPY), S(PRE_COPY_P2P) },
	{ S(PRE_COPY_P2P), S(PRE_COPY) }, { S(PRE_COPY_P2P), S(STOP_COPY) },
	{ S(STOP), S(RESUMING) },
};

static bool saving(uint32_t state)
{
	return state == S(STOP_COPY) || state == S(PRE_COPY) || state == S(PRE_COPY_P2P);
}

/* May `to` be asked for in `from`? Breadth-first search over the arcs. */
static bool legal(struct vf *vf, uint32_t from, uint32_t to)
{
	bool reached[STATES] = { false };
	bool grows = true;

	if (from == S(ERROR) || to == S(ERROR) || to >= STATES || !mig_has_state(vf, to))
		return false;
	if (from == S(STOP_COPY) && (to == S(PRE_COPY) || to == S(PRE_COPY_P2P)))
		return false;
	reached[from] = true;
	while (grows && !reached[to]) {
		grows = false;
		for (size_t i = 0; i < sizeof(arcs) / sizeof(arcs[0]); i++) {
			bool inside = arcs[i].from != from && saving(arcs[i].from);

			if (reached[arcs[i].from] && !reached[arcs[i].to] && !inside) {
				reached[arcs[i].to] = true;
				grows = true;
			}
		}
	}
	return reached[to];
}

/* A data file is new when a transfer session starts. */
static bool gives_file(uint32_t from, uint32_t to)
{
	if (from == to)
		return false;
	if (to == S(RESUMING))
		return true;
	return saving(to) && !saving(from);
}

static void back_to_running(struct vf *vf)
{
	if (mig_set(vf, S(RUNNING), NULL))
		CHECK_EQ(vf_reset(vf), 0);
	CHECK_EQ(mig_get(vf), S(RUNNING));
}

static void check_pair(struct vf *vf, uint32_t from, uint32_t to,
		       const struct stream *loaded)
{
	int session = mig_go(vf, from);
	bool expected = legal(vf, from, to);
	int fd, error;

	if (from == S(RESUMING)) {
		if (loaded)
			CHECK_EQ(stream_write(session, loaded->data, loaded->size, 512,
					      NULL),
				 0);
		else if (to != S(RESUMING))
			expected = false; /* nothing has been loaded */
	}
	error = mig_set(vf, to, &fd);
	CHECK_EQ_IN(error, expected ? 0 : -EINVAL, "%s to %s%s", state_name(from),
		    state_name(to), loaded ? ", state loaded" : "");
	CHECK_EQ_IN(mig_get(vf), expected ? to : from, "%s to %s", state_name(from),
		    state_name(to));
	CHECK_EQ_IN(fd >= 0, expected && gives_file(from, to), "%s to %s", state_name(from),
		    state_name(to));
	if (fd >= 0)
		close(fd);
	if (session >= 0)
		close(session);
	back_to_running(vf);
}

static void test_all_pairs(const struct options *options)
{
	struct stream loaded;
	unsigned pairs = 0;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	mig_save(&rig.vf[0], &loaded);
	back_to_running(&rig.vf[0]);
	for (uint32_t from = S(STOP); from < STATES; from++) {
		if (!mig_has_state(&rig.vf[0], from))
			continue;
		for (uint32_t to = 0; to < STATES; to++) {
			check_pair(&rig.vf[0], from, to, NULL);
			pairs++;
			if (from == S(RESUMING)) {
				check_pair(&rig.vf[0], from, to, &loaded);
				pairs++;
			}
		}
	}
	check_note("%u pairs", pairs);
	rig_close(&rig);
}

static void test_no_such_state(const struct options *options)
{
	static const uint32_t numbers[] = { 8, 9, 255, 0x7fffffff, 0x80000000, 0xffffffff };
	struct rig rig;

	rig_open(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		CHECK_EQ_IN(mig_set(&rig.vf[0], numbers[i], NULL), -EINVAL, "state %u",
			    numbers[i]);
		CHECK_EQ(mig_get(&rig.vf[0]), S(RUNNING));
	}
	rig_close(&rig);
}

/* Whatever the states were on the way, the card works when it is back. */
static void test_resume_on_source(const struct options *options)
{
	static const uint8_t stops[] = { S(RUNNING_P2P), S(STOP), S(STOP_COPY), S(PRE_COPY),
					 S(PRE_COPY_P2P) };
	struct nic_registers before, after;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	for (size_t i = 0; i < sizeof(stops); i++) {
		if (!mig_has_state(&rig.vf[0], stops[i]))
			continue;
		rig_check_traffic(&rig, &rig.nic);
		nic_registers_read(&rig.vf[0], &before);
		close(mig_go(&rig.vf[0], stops[i]));
		mig_go(&rig.vf[0], S(RUNNING));
		nic_registers_read(&rig.vf[0], &after);
		nic_registers_compare(&before, &after, state_name(stops[i]));
		rig_check_traffic(&rig, &rig.nic);
	}
	rig_close(&rig);
}

/* In these states the device neither receives nor sends, whatever comes. */
static void test_quiet_when_stopped(const struct options *options)
{
	static const uint8_t stops[] = { S(RUNNING_P2P), S(PRE_COPY_P2P), S(STOP),
					 S(STOP_COPY) };
	struct frame *frame = &(struct frame){ 0 };
	uint8_t data[FRAME_MIN], *copy;
	struct rig rig;

	rig_open_nic(&rig, options, 1);
	mig_require(&rig.vf[0]);
	copy = rig.iommu.memory + rig.iommu.size / 2;
	CHECK(rig.iommu.used < rig.iommu.size / 2);
	for (size_t i = 0; i < sizeof(stops); i++) {
		if (!mig_has_state(&rig.vf[0], stops[i]))
			continue;
		close(mig_go(&rig.vf[0], stops[i]));
		memcpy(copy, rig.iommu.memory, rig.iommu.used);
		for (int n = 0; n < 20; n++)
			peer_send(&rig.peer, rig.nic.mac, 500, ++rig.sequence);
		usleep(20000);
		CHECK_IN(!memcmp(copy, rig.iommu.memory, rig.iommu.used), "state %s",
			 state_name(stops[i]));

		/* A frame handed over now leaves once the device runs. */
		frame_make(data, sizeof(data), rig.peer.mac, rig.nic.mac, ++rig.sequence);
		tx_post(&rig.nic, data, sizeof(data));
		tx_doorbell(&rig.nic);
		CHECK_EQ_IN(peer_receive(&rig.peer, rig.nic.mac, 50), -1, "state %s",
			    state_name(stops[i]));
		mig_go(&rig.vf[0], S(RUNNING));
		CHECK_EQ_IN(peer_receive(&rig.peer, rig.nic.mac, 3000), rig.sequence,
			    "after state %s", state_name(stops[i]));
		while (nic_receive(&rig.nic, frame, 20) >= 0)
			;
		rx_refill(&rig.nic, 0, dma_memory(&rig.iommu, rig.nic.rx[0].buffer[0]));
	}
	rig_check_traffic(&rig, &rig.nic);
	rig_close(&rig);
}

/* Buffers posted in a quiesced state are used once the device runs. */
static void test_tail_is_latched(const struct options *options)
{
	static const uint8_t stops[] = { S(RUNNING_P2P), S(STOP) };
	struct frame *frame = &(struct frame){ 0 };
	uint8_t *buffers;
	struct rig rig;

	rig_open(&rig, options, 1);
	mig_require(&rig.vf[0]);
	nic_start(&rig.nic, &rig.vf[0], &rig.iommu);
	rx_open(&rig.nic, 0, 16, 2048, 0);
	buffers = dma_alloc(&rig.iommu, 16 * 2048, PAGE);
	rx_enable(&rig.nic, 0);
	for (size_t i = 0; i < sizeof(stops); i++) {
		if (!mig_has_state(&rig.vf[0], stops[i]))
			continue;
		mig_go(&rig.vf[0], stops[i]);
		for (int n = 0; n < 3; n++)
			rx_post(&rig.nic, 0,
				dma_iova(&rig.iommu, buffers + 2048 * rig.nic.rx[0].tail),
				0);
		rx_doorbell(&rig.nic, 0);
		CHECK_EQ(vf_read(&rig.vf[0], 0x2818), rig.nic.rx[0].tail);
		mig_go(&rig.vf[0], S(RUNNING));
		CHECK_EQ(vf_read(&rig.vf[0], 0x2818), rig.nic.rx[0].tail);
		for (int n = 0; n < 3; n++) {
			peer_send(&rig.peer, rig.nic.mac, 300, ++rig.sequence);
			CHECK_EQ(nic_receive(&rig.nic, frame, 3000), rig.sequence);
		}
	}
	rig_close(&rig);
}

static void test_features(const struct options *options)
{
	struct vfio_device_feature_mig_data_size size = { 0 };
	uint64_t flags;
	struct rig rig;

	rig_open(&rig, options, 1);
	mig_require(&rig.vf[0]);
	flags = mig_flags(&rig.vf[0]);
	CHECK(flags & VFIO_MIGRATION_P2P);
	CHECK_EQ(flags & ~7ULL, 0);
	CHECK_EQ(vf_feature(&rig.vf[0],
			    VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
			    &size, sizeof(size)),
		 0);
	CHECK(size.stop_copy_length > 0 && size.stop_copy_length <= 4096);
	check_note("flags 0x%llx, data size %llu", (unsigned long long)flags,
		   (unsigned long long)size.stop_copy_length);

	/* SET is not for these, GET is not for that. */
	CHECK_EQ(vf_feature(&rig.vf[0],
			    VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
			    &size, sizeof(size)),
		 -EINVAL);
	CHECK_EQ(vf_feature(&rig.vf[0],
			    VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
			    &size, sizeof(size)) < 0,
		 true);
	/* One that nobody knows. */
	CHECK_EQ(vf_feature(&rig.vf[0], VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MASK,
			    &size, sizeof(size)),
		 -ENOTTY);
	/* Too small a structure. */
	CHECK_EQ(vf_feature(&rig.vf[0],
			    VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
			    &size, 4),
		 -EINVAL);
	rig_close(&rig);
}

const struct test arcs_tests[] = {
	{ "arcs.features", test_features, 0 },
	{ "arcs.all_pairs", test_all_pairs, 120 },
	{ "arcs.no_such_state", test_no_such_state, 0 },
	{ "arcs.resume_on_source", test_resume_on_source, 0 },
	{ "arcs.quiet_when_stopped", test_quiet_when_stopped, 0 },
	{ "arcs.tail_is_latched", test_tail_is_latched, 0 },
	{ 0 },
};
