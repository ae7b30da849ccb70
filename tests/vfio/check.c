// SPDX-License-Identifier: LGPL-2.1-or-later
#include "check.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_LIMIT 60

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_SKIPPED = 4 };

/* Shared between the runner and the processes of the running test. */
struct report {
	int taken; /* set by the first that ends the test */
	char text[1000];
	char after[512]; /* shell commands */
};

static const struct test *const suites[] = {
	nic_tests,
	access_tests,
	arcs_tests,
	stream_tests,
	precopy_tests,
	move_tests,
	mailbox_tests,
	refusal_tests,
	dirty_tests,
	dirty_report_tests,
	dirty_events_tests,
	dirty_load_tests,
	reset_tests,
	parallel_tests,
	faults_tests,
	faults_states_tests,
	faults_log_tests,
	hostile_tests, /* last: it tries the hardware most */
};

static struct report *report;
static const char *running;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void report_once(const char *text)
{
	if (!report) {
		fprintf(stderr, "vfio-test: %s\n", text);
		return;
	}
	if (!__atomic_exchange_n(&report->taken, 1, __ATOMIC_SEQ_CST))
		snprintf(report->text, sizeof(report->text), "%s", text);
}

void check_fail(const char *file, int line, const char *format, ...)
{
	char detail[700], text[900];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	snprintf(text, sizeof(text), "%s:%d %s", file, line, detail);
	report_once(text);
	_exit(EXIT_FAILED);
}

void check_skip(const char *format, ...)
{
	char text[900];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	report_once(text);
	_exit(EXIT_SKIPPED);
}

void check_after(const char *format, ...)
{
	size_t used = strlen(report->after);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(report->after + used, sizeof(report->after) - used, format, arguments);
	va_end(arguments);
	strncat(report->after, "\n", sizeof(report->after) - strlen(report->after) - 1);
}

void check_note(const char *format, ...)
{
	char text[900];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	printf("# %s: %s\n", running ? running : "vfio-test", text);
	fflush(stdout);
}

/* Waits for the child. Gives its wait status, or -1 after `seconds`. */
static int wait_limited(pid_t child, unsigned seconds)
{
	int status = 0;
	struct pollfd ended = {
		.fd = (int)syscall(SYS_pidfd_open, child, 0),
		.events = POLLIN,
	};
	uint64_t deadline = now_ns() + seconds * 1000000000ULL;
	bool timed_out = false;

	while (poll(&ended, 1, 1000) == 0)
		if (now_ns() > deadline) {
			timed_out = true;
			break;
		}
	/* The test's own workers are in its process group. */
	kill(-child, SIGKILL);
	waitpid(child, &status, 0);
	close(ended.fd);
	return timed_out ? -1 : status;
}

static int run_one(const struct options *options, const struct test *test)
{
	uint64_t start = now_ns();
	unsigned limit = (test->limit ? test->limit : DEFAULT_LIMIT) * options->slowness;
	int status;
	pid_t child;

	memset(report, 0, sizeof(*report));
	running = test->name;
	fflush(stdout);
	child = fork();
	if (child < 0) {
		printf("not ok %s: fork: %s\n", test->name, strerror(errno));
		return EXIT_FAILED;
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		test->run(options);
		fflush(stdout);
		_exit(EXIT_PASSED);
	}
	setpgid(child, child);
	status = wait_limited(child, limit);
	running = NULL;
	if (report->after[0] && system(report->after))
		printf("# %s: failed: %s", test->name, report->after);

	if (status == -1)
		printf("not ok %s: no end after %u s%s%s\n", test->name, limit,
		       report->text[0] ? ": " : "", report->text);
	else if (WIFSIGNALED(status))
		printf("not ok %s: ended by signal %d\n", test->name, WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_SKIPPED)
		printf("skip %s: %s\n", test->name, report->text);
	else if (WEXITSTATUS(status) != EXIT_PASSED)
		printf("not ok %s: %s\n", test->name, report->text);
	else
		printf("ok %s (%llu ms)\n", test->name,
		       (unsigned long long)(now_ns() - start) / 1000000);
	fflush(stdout);
	if (status == -1 || WIFSIGNALED(status))
		return EXIT_FAILED;
	return WEXITSTATUS(status);
}

/* A name selects a test, a name up to the dot selects its suite. */
static bool selected(const char *name, char **names, int count)
{
	for (int i = 0; i < count; i++) {
		size_t length = strlen(names[i]);

		if (!strcmp(name, names[i]))
			return true;
		if (!strncmp(name, names[i], length) && name[length] == '.')
			return true;
	}
	return count == 0;
}

static bool known(const char *name)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		for (const struct test *test = suites[i]; test->name; test++)
			if (selected(test->name, (char **)&name, 1))
				return true;
	return false;
}

int check_run(const struct options *options, char **names, int count)
{
	int passed = 0, failed = 0, skipped = 0;

	for (int i = 0; i < count; i++)
		if (!known(names[i])) {
			fprintf(stderr, "vfio-test: no test %s; see --list\n", names[i]);
			return 1;
		}
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		perror("vfio-test: mmap");
		return 1;
	}
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		for (const struct test *test = suites[i]; test->name; test++) {
			if (!selected(test->name, names, count))
				continue;
			switch (run_one(options, test)) {
			case EXIT_PASSED:
				passed++;
				break;
			case EXIT_SKIPPED:
				skipped++;
				break;
			default:
				failed++;
			}
		}
	printf("vfio-test: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed;
}

void check_list(void)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		for (const struct test *test = suites[i]; test->name; test++)
			puts(test->name);
}
