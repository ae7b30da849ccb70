// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench.h"

#include "mig.h"
#include "rig.h"

#include <regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name
#define ROUNDS_MAX 1000
#define ACCESSES 1000

struct sample {
	const char *name;
	unsigned count;
	uint64_t ns[ROUNDS_MAX];
};

enum {
	TO_P2P,
	TO_STOP,
	TO_STOP_COPY,
	READ_STREAM,
	FROM_STOP_COPY,
	TO_RESUMING,
	WRITE_STREAM,
	FROM_RESUMING,
	STOP_TO_P2P,
	P2P_TO_RUNNING,
	SAVE,
	LOAD,
	LOG_START,
	LOG_REPORT,
	LOG_STOP,
	RESET,
	READ_TRAPPED,
	READ_MAPPED,
	SAMPLES,
};

static struct sample samples[SAMPLES] = {
	[TO_P2P] = { .name = "RUNNING to RUNNING_P2P" },
	[TO_STOP] = { .name = "RUNNING_P2P to STOP" },
	[TO_STOP_COPY] = { .name = "STOP to STOP_COPY" },
	[READ_STREAM] = { .name = "read the stream" },
	[FROM_STOP_COPY] = { .name = "STOP_COPY to STOP" },
	[TO_RESUMING] = { .name = "STOP to RESUMING" },
	[WRITE_STREAM] = { .name = "write the stream" },
	[FROM_RESUMING] = { .name = "RESUMING to STOP" },
	[STOP_TO_P2P] = { .name = "STOP to RUNNING_P2P" },
	[P2P_TO_RUNNING] = { .name = "RUNNING_P2P to RUNNING" },
	[SAVE] = { .name = "save, RUNNING to stream" },
	[LOAD] = { .name = "load, stream to RUNNING" },
	[LOG_START] = { .name = "DMA_LOGGING_START" },
	[LOG_REPORT] = { .name = "DMA_LOGGING_REPORT, 16 MiB" },
	[LOG_STOP] = { .name = "DMA_LOGGING_STOP" },
	[RESET] = { .name = "VFIO_DEVICE_RESET" },
	[READ_TRAPPED] = { .name = "register, trapped page" },
	[READ_MAPPED] = { .name = "register, mapped page" },
};

static uint64_t since(unsigned sample, uint64_t start)
{
	uint64_t end = now_ns();
	struct sample *s = &samples[sample];

	if (s->count < ROUNDS_MAX)
		s->ns[s->count++] = end - start;
	return end;
}

static int arc(struct vf *vf, uint32_t state, unsigned sample)
{
	uint64_t start = now_ns();
	int fd;

	CHECK_EQ(mig_set(vf, state, &fd), 0);
	since(sample, start);
	return fd;
}

static void move_once(struct vf *from, struct vf *to)
{
	uint64_t begin = now_ns(), start;
	struct stream stream = { .size = 0 };
	int fd;

	arc(from, S(RUNNING_P2P), TO_P2P);
	arc(from, S(STOP), TO_STOP);
	fd = arc(from, S(STOP_COPY), TO_STOP_COPY);
	start = now_ns();
	CHECK_EQ(stream_read(fd, &stream, STREAM_MAX), 0);
	since(READ_STREAM, start);
	since(SAVE, begin);
	close(fd);
	arc(from, S(STOP), FROM_STOP_COPY);

	mig_set(to, S(STOP), NULL);
	begin = now_ns();
	fd = arc(to, S(RESUMING), TO_RESUMING);
	start = now_ns();
	CHECK_EQ(stream_write(fd, stream.data, stream.size, STREAM_MAX, NULL), 0);
	since(WRITE_STREAM, start);
	close(fd);
	arc(to, S(STOP), FROM_RESUMING);
	arc(to, S(RUNNING_P2P), STOP_TO_P2P);
	arc(to, S(RUNNING), P2P_TO_RUNNING);
	since(LOAD, begin);
	start = now_ns();
	CHECK_EQ(vf_reset(from), 0);
	since(RESET, start);
}

static void log_once(struct rig *rig, struct vf *vf)
{
	static uint64_t bits[RIG_MEMORY / PAGE / 64];
	struct range all = { rig->iommu.iova, rig->iommu.size };
	uint64_t page_size = PAGE, start = now_ns();

	if (log_start(vf, &all, 1, &page_size))
		return; /* no log here: the table leaves the rows out */
	start = since(LOG_START, start);
	CHECK_EQ(log_report(vf, all.iova, all.length, PAGE, bits), 0);
	start = since(LOG_REPORT, start);
	CHECK_EQ(log_stop(vf), 0);
	since(LOG_STOP, start);
}

static void read_register(struct vf *vf, uint32_t offset, unsigned sample)
{
	uint64_t start = now_ns();
	struct sample *s = &samples[sample];

	if (s->count >= ROUNDS_MAX)
		return;
	for (int i = 0; i < ACCESSES; i++)
		vf_read(vf, offset);
	s->ns[s->count++] = (now_ns() - start) / ACCESSES;
}

static int by_value(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;

	return one < two ? -1 : one > two;
}

static void print(struct sample *sample, bool json, bool first)
{
	uint64_t *ns = sample->ns;

	qsort(ns, sample->count, sizeof(*ns), by_value);
	if (json)
		printf("%s\n  {\"name\": \"%s\", \"count\": %u, \"min_ns\": %llu, "
		       "\"median_ns\": %llu, \"max_ns\": %llu}",
		       first ? "" : ",", sample->name, sample->count,
		       (unsigned long long)ns[0], (unsigned long long)ns[sample->count / 2],
		       (unsigned long long)ns[sample->count - 1]);
	else
		printf("%-28s %5u %12.1f %12.1f %12.1f\n", sample->name, sample->count,
		       (double)ns[0] / 1000, (double)ns[sample->count / 2] / 1000,
		       (double)ns[sample->count - 1] / 1000);
}

void bench_run(const struct options *options, bool json)
{
	bool first = true;
	struct rig rig;

	rig_open_nic(&rig, options, 2);
	mig_require(&rig.vf[0]);
	for (unsigned round = 0; round < options->rounds; round++) {
		struct vf *from = &rig.vf[round % 2], *to = &rig.vf[1 - round % 2];

		log_once(&rig, from);
		read_register(from, IGBVF_RDBAL(0), READ_TRAPPED);
		if (from->page[3])
			read_register(from, IGBVF_TDBAL(0), READ_MAPPED);
		move_once(from, to);
		nic_move(&rig.nic, to);
		rx_refill(&rig.nic, 0, dma_memory(&rig.iommu, rig.nic.rx[0].buffer[0]));
		rig_check_traffic(&rig, &rig.nic);
	}
	if (json)
		printf("{\"bench\": [");
	else
		printf("%-28s %5s %12s %12s %12s\n", "microseconds", "count", "min",
		       "median", "max");
	for (unsigned i = 0; i < SAMPLES; i++)
		if (samples[i].count) {
			print(&samples[i], json, first);
			first = false;
		}
	if (json)
		printf("\n]}\n");
	rig_close(&rig);
}
