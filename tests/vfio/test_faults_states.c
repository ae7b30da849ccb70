// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Failures (test_faults.c) in the state machine and its files, under a NIC
 * that works before and after.
 */
#include "faults.h"
#include "mig.h"
#include "rig.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define S(name) VFIO_DEVICE_STATE_##name
#define LIMIT 1800 /* seconds: each failure is a try of its own */

struct session {
	struct rig rig;
	size_t used; /* memory that stays when the NIC starts anew */
	uint32_t from, to;
	int fd;
	bool stale; /* what was loaded is older than the NIC's rings */
	struct stream stream; /* of this VF */
};

static struct vf *vf_of(struct session *session)
{
	return &session->rig.vf[0];
}

/* Frames go both ways, if need be after what a guest does on an error. */
static void nic_works(struct session *session, bool anew)
{
	struct rig *rig = &session->rig;

	if (anew) {
		rig->iommu.used = session->used;
		nic_start_simple(&rig->nic, vf_of(session), &rig->iommu);
	}
	rig_check_traffic(rig, &rig->nic);
	rx_refill(&rig->nic, 0, dma_memory(&rig->iommu, rig->nic.rx[0].buffer[0]));
}

static void end_file(struct session *session)
{
	if (session->fd >= 0)
		close(session->fd);
	session->fd = -1;
}

static void session_open(struct session *session, const struct options *options)
{
	*session = (struct session){ .fd = -1 };
	faults_require(options->vf[0]);
	rig_open(&session->rig, options, 1);
	mig_require(vf_of(session));
	session->used = session->rig.iommu.used;
	nic_works(session, true);
	mig_save(vf_of(session), &session->stream);
	CHECK_EQ(mig_set(vf_of(session), S(RUNNING), NULL), 0);
}

static void go_from(void *context)
{
	struct session *session = context;

	session->fd = mig_go(vf_of(session), session->from);
}

static int run_to(void *context)
{
	struct session *session = context;
	int fd, error = mig_set(vf_of(session), session->to, &fd);

	if (fd >= 0) {
		end_file(session);
		session->fd = fd;
	}
	return error;
}

/* Back to RUNNING, by a reset where there is no other way. */
static void settle_state(void *context, int error)
{
	struct session *session = context;
	struct vf *vf = vf_of(session);
	uint32_t state = mig_get(vf);
	bool anew = session->stale;

	session->stale = false;
	if (!error && session->to < STATES)
		CHECK_EQ(state, session->to);
	CHECK(state != S(ERROR));
	end_file(session);
	if (mig_set(vf, S(RUNNING), NULL)) {
		CHECK_EQ(vf_reset(vf), 0);
		anew = true;
	}
	CHECK_EQ(mig_get(vf), S(RUNNING));
	nic_works(session, anew);
}

/* All of a load before its last step. */
static void go_loaded(void *context)
{
	struct session *session = context;

	session->fd = mig_go(vf_of(session), S(RESUMING));
	CHECK_EQ(stream_write(session->fd, session->stream.data, session->stream.size, STREAM_MAX,
			      NULL),
		 0);
	session->stale = true;
}

static void test_states(const struct options *options)
{
	static const struct {
		const char *name;
		uint32_t from, to;
	} steps[] = {
		{ "RUNNING to RUNNING_P2P", S(RUNNING), S(RUNNING_P2P) },
		{ "RUNNING to STOP", S(RUNNING), S(STOP) },
		{ "RUNNING to PRE_COPY", S(RUNNING), S(PRE_COPY) },
		{ "RUNNING_P2P to PRE_COPY_P2P", S(RUNNING_P2P), S(PRE_COPY_P2P) },
		{ "PRE_COPY to STOP_COPY", S(PRE_COPY), S(STOP_COPY) },
		{ "PRE_COPY to RUNNING", S(PRE_COPY), S(RUNNING) },
		{ "RUNNING to STOP_COPY", S(RUNNING), S(STOP_COPY) },
		{ "STOP to STOP_COPY", S(STOP), S(STOP_COPY) },
		{ "STOP_COPY to RUNNING", S(STOP_COPY), S(RUNNING) },
		{ "STOP to RESUMING", S(STOP), S(RESUMING) },
		{ "RUNNING to RESUMING", S(RUNNING), S(RESUMING) },
		{ "STOP to RUNNING", S(STOP), S(RUNNING) },
	};
	const struct attempt loaded = { .name = "RESUMING to RUNNING", .prepare = go_loaded, .run = run_to, .settle = settle_state };
	struct session session;

	session_open(&session, options);
	mig_require_precopy(vf_of(&session));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct attempt step = { .name = steps[i].name, .prepare = go_from, .run = run_to, .settle = settle_state };

		session.from = steps[i].from;
		session.to = steps[i].to;
		faults_each(&step, &session);
	}
	session.to = S(RUNNING);
	faults_each(&loaded, &session);
	rig_close(&session.rig);
}

static int run_read(void *context)
{
	struct session *session = context;
	struct stream stream = { .size = 0 };

	return stream_read(session->fd, &stream, STREAM_MAX);
}

static int run_precopy_info(void *context)
{
	struct session *session = context;
	struct vfio_precopy_info info = { .argsz = sizeof(info) };

	return ioctl(session->fd, VFIO_MIG_GET_PRECOPY_INFO, &info) ? -errno : 0;
}

static int run_write(void *context)
{
	struct session *session = context;

	session->stale = true;
	return stream_write(session->fd, session->stream.data, session->stream.size, STREAM_MAX,
			    NULL);
}

static int run_reset(void *context)
{
	return vf_reset(vf_of(context));
}

static void settle_reset(void *context, int error)
{
	if (error)
		CHECK_EQ(run_reset(context), 0);
	end_file(context);
	CHECK_EQ(mig_get(vf_of(context)), S(RUNNING));
	nic_works(context, true);
}

static void test_files(const struct options *options)
{
	const struct attempt read = { .name = "read", .prepare = go_from, .run = run_read, .settle = settle_state };
	const struct attempt info = { .name = "precopy info", .prepare = go_from, .run = run_precopy_info, .settle = settle_state };
	const struct attempt write = { .name = "write", .prepare = go_from, .run = run_write, .settle = settle_state };
	const struct attempt reset = { .name = "reset", .prepare = go_from, .run = run_reset, .settle = settle_reset };
	struct session session;

	session_open(&session, options);
	mig_require_precopy(vf_of(&session));
	session.to = STATES; /* none is asked for */
	session.from = S(STOP_COPY);
	faults_each(&read, &session);
	faults_each(&reset, &session);
	session.from = S(PRE_COPY);
	faults_each(&info, &session);
	session.from = S(RESUMING);
	faults_each(&write, &session);
	faults_each(&reset, &session);
	rig_close(&session.rig);
}

const struct test faults_states_tests[] = {
	{ "faults.states", test_states, LIMIT },
	{ "faults.files", test_files, LIMIT },
	{ 0 },
};
