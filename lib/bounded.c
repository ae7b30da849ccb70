/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child sends. It fits into one atomic write of a pipe. */
typedef struct {
	int number;
	guint length;
	char value[VFERRY_BOUNDED_VALUE_SIZE];
} Answer;

G_STATIC_ASSERT(sizeof(Answer) <= PIPE_BUF);

/*
 * Nothing of the caller stays open: neither its pipes nor its locks. Should it
 * run without standard files, these two have their numbers: the attribute was
 * opened first, so it has the lower one and neither dup2() hits the other file.
 */
static void keep_only(int attribute, int answer)
{
	dup2(attribute, STDIN_FILENO);
	dup2(answer, STDOUT_FILENO);
	close_range(STDERR_FILENO, ~0U, 0);
}

/* Runs after fork() of what may have threads: async-signal-safe calls only. */
static void G_GNUC_NORETURN run_child(int attribute, int answer_pipe, const char *value,
				      pid_t parent)
{
	Answer answer = { 0 };
	ssize_t done;

	keep_only(attribute, answer_pipe);
	/* Whoever killed the caller expects no more of it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);

	if (value)
		done = write(STDIN_FILENO, value, strlen(value));
	else
		done = read(STDIN_FILENO, answer.value, sizeof(answer.value));
	if (done < 0)
		answer.number = errno;
	else if (value && (gsize)done != strlen(value))
		answer.number = EIO;
	else
		answer.length = (guint)done;
	_exit(write(STDOUT_FILENO, &answer, sizeof(answer)) != sizeof(answer));
}

/* Return: is there something to read in time? */
static gboolean await(int fd, guint limit)
{
	const gint64 deadline = g_get_monotonic_time() + (gint64)limit * 1000;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	gint64 left;

	do {
		left = deadline - g_get_monotonic_time();
		if (left <= 0)
			return FALSE;
	} while (poll(&poll_fd, 1, (int)MIN(left / 1000 + 1, INT_MAX)) <= 0);
	return TRUE;
}

static int receive(int answer_pipe, pid_t child, guint limit, Answer *answer)
{
	int number;

	if (!await(answer_pipe, limit)) {
		/* What the kernel has not begun it shall not; what is stuck is not waited for. */
		kill(child, SIGKILL);
		waitpid(child, NULL, WNOHANG);
		return VFERRY_BOUNDED_LATE;
	}
	number = read(answer_pipe, answer, sizeof(*answer)) == sizeof(*answer) ?
			 answer->number : VFERRY_BOUNDED_KILLED;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return number;
}

static int transfer(const char *path, const char *value, guint limit, Answer *answer)
{
	const pid_t self = getpid();
	int attribute = open(path, (value ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	int ends[2], number;
	pid_t child;

	if (attribute < 0)
		return errno;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		number = errno;
		close(attribute);
		return number;
	}
	child = fork();
	if (child == 0)
		run_child(attribute, ends[1], value, self);
	number = errno;
	close(attribute);
	close(ends[1]);
	if (child > 0)
		number = receive(ends[0], child, limit, answer);
	close(ends[0]);
	return number;
}

int vferry_bounded_write(const char *path, const char *value, guint limit)
{
	Answer answer;

	return transfer(path, value, limit, &answer);
}

int vferry_bounded_read(const char *path, char *value, guint limit)
{
	Answer answer;
	int number = transfer(path, NULL, limit, &answer);

	if (number)
		return number;
	if (answer.length >= sizeof(answer.value) || memchr(answer.value, '\0', answer.length))
		return EOVERFLOW;
	memcpy(value, answer.value, answer.length);
	value[answer.length] = '\0';
	return 0;
}
