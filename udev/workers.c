/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "workers.h"

#include "error.h"

#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* A PF with 256 VFs has 256 events: look at the host this often at most ... */
#define PAUSE_MS 100
/* ... and at least, should an event get lost. */
#define PATIENCE_MS 1000

typedef struct udev Udev;
typedef struct udev_monitor UdevMonitor;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Udev, udev_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UdevMonitor, udev_monitor_unref)

typedef struct {
	VferryWork work;
	gpointer data;
	UdevMonitor *monitor;	/* NULL where there is no udev */
	int ended_fd;		/* signalfd(2) for SIGCHLD */
	sigset_t mask;		/* of signals, before */
	guint running;
	gboolean good;
} Workers;

static UdevMonitor *monitor_new(void)
{
	g_autoptr(Udev) udev = udev_new();
	g_autoptr(UdevMonitor) monitor =
		udev ? udev_monitor_new_from_netlink(udev, "udev") : NULL;

	if (!monitor ||
	    udev_monitor_filter_add_match_subsystem_devtype(monitor, "pci", NULL) < 0 ||
	    udev_monitor_filter_add_match_subsystem_devtype(monitor, "net", NULL) < 0 ||
	    udev_monitor_enable_receiving(monitor) < 0)
		return NULL;
	return g_steal_pointer(&monitor);
}

static gboolean set_error(GError **error, const char *doing)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "%s: %s", doing, g_strerror(errno));
	return FALSE;
}

static gboolean start(Workers *workers, const VferryAddress *pf, GError **error)
{
	pid_t child = fork();

	if (child < 0)
		return set_error(error, "making a process for a PF");
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &workers->mask, NULL);
		_exit(!workers->work(pf, workers->data));
	}
	workers->running++;
	return TRUE;
}

static gboolean start_all(Workers *workers, const GArray *ready, GError **error)
{
	for (guint i = 0; i < ready->len; i++)
		if (!start(workers, &g_array_index(ready, VferryAddress, i), error))
			return FALSE;
	return TRUE;
}

static void reap(Workers *workers)
{
	struct signalfd_siginfo ignored;
	int status;

	if (read(workers->ended_fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		workers->good = FALSE;
	while (waitpid(-1, &status, WNOHANG) > 0) {
		workers->running--;
		workers->good &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
}

static void drain(UdevMonitor *monitor)
{
	struct udev_device *device;

	while ((device = udev_monitor_receive_device(monitor)))
		udev_device_unref(device);
}

static void wait_for_news(Workers *workers)
{
	struct pollfd fds[] = {
		{ .fd = workers->ended_fd, .events = POLLIN },
		{ .fd = workers->monitor ? udev_monitor_get_fd(workers->monitor) : -1,
		  .events = POLLIN },
	};

	if (poll(fds, G_N_ELEMENTS(fds), PATIENCE_MS) > 0 && fds[1].revents) {
		poll(fds, 1, PAUSE_MS);
		drain(workers->monitor);
	}
	reap(workers);
}

static gboolean run(Workers *workers, VferryTargets *targets, gint64 deadline,
		    GPtrArray *missing, GError **error)
{
	g_autoptr(GArray) ready = g_array_new(FALSE, FALSE, sizeof(VferryAddress));

	for (;;) {
		g_array_set_size(ready, 0);
		g_ptr_array_set_size(missing, 0);
		if (!vferry_targets_look(targets, ready, missing, error) ||
		    !start_all(workers, ready, error))
			return FALSE;
		if (!workers->running &&
		    (!missing->len || g_get_monotonic_time() >= deadline))
			return TRUE;
		wait_for_news(workers);
	}
}

gboolean vferry_workers_run(VferryTargets *targets, guint wait_seconds, VferryWork work,
			    gpointer data, GPtrArray *ret_missing, gboolean *ret_good,
			    GError **error)
{
	const gint64 deadline =
		g_get_monotonic_time() + (gint64)wait_seconds * G_USEC_PER_SEC;
	g_autoptr(UdevMonitor) monitor = monitor_new();
	Workers workers = { .work = work, .data = data, .monitor = monitor, .good = TRUE };
	gboolean done;
	sigset_t ended;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, &workers.mask);
	workers.ended_fd = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
	if (workers.ended_fd < 0)
		return set_error(error, "signalfd");
	done = run(&workers, targets, deadline, ret_missing, error);
	/* After an error there may be some left. */
	while (workers.running)
		wait_for_news(&workers);
	close(workers.ended_fd);
	sigprocmask(SIG_SETMASK, &workers.mask, NULL);
	*ret_good = workers.good;
	return done;
}
