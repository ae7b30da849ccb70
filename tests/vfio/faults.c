// SPDX-License-Identifier: LGPL-2.1-or-later
#include "faults.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vf.h"

#define DEBUGFS "/sys/kernel/debug"
#define NTH "/proc/thread-self/fail-nth"
#define EVERY "/proc/thread-self/make-it-fail"
#define PLACES_MAX 5000

static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
static const char *const memory_kinds[] = { "failslab", "fail_page_alloc" };

static void put(const char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(const char *path, const char *format, ...)
{
	char text[32];
	va_list arguments;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	CHECK_IN(fd >= 0, "%s", path);
	CHECK_IN(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s to %s", text, path);
	close(fd);
}

static void set(const char *kind, const char *file, uint64_t value)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", kind, file);
	put(path, "%" PRIu64, value);
}

/* Where the driver's functions are. */
static void find_code(const char *driver, uint64_t *start, uint64_t *end)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], name[256], module[64], wanted[64], kind;
	uint64_t address;

	CHECK(file);
	*start = UINT64_MAX;
	*end = 0;
	snprintf(wanted, sizeof(wanted), "[%s]", driver);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 " %c %255s %63s", &address, &kind, name, module) != 4 ||
		    (kind != 't' && kind != 'T') || strcmp(module, wanted))
			continue;
		*start = address < *start ? address : *start;
		*end = address > *end ? address : *end;
	}
	fclose(file);
	CHECK_IN(*end, "no functions of %s in /proc/kallsyms", driver);
	/* The last function ends in its page: nothing else has room there. */
	*end = (*end + PAGE) & ~(uint64_t)(PAGE - 1);
}

void faults_require(const char *vf)
{
	uint64_t start, end;
	char driver[64];

	if (access(NTH, F_OK) || access(DEBUGFS "/failslab/require-start", F_OK))
		check_skip("this kernel forces no failures");
	vf_driver(vf, driver, sizeof(driver));
	find_code(driver, &start, &end);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		check_after("echo 0 > " DEBUGFS "/%s/probability", kinds[i]);
		set(kinds[i], "require-start", start);
		set(kinds[i], "require-end", end);
		set(kinds[i], "stacktrace-depth", 32);
		set(kinds[i], "verbose_ratelimit_interval_ms", 0);
		set(kinds[i], "task-filter", 1);
		set(kinds[i], "times", (uint64_t)INT32_MAX);
	}
	set("failslab", "ignore-gfp-wait", 0);
	set("fail_page_alloc", "ignore-gfp-wait", 0);
	set("fail_page_alloc", "ignore-gfp-highmem", 0);
	set("fail_page_alloc", "min-order", 0);
}

/* How the places from the n-th on fail: that one, or all of them that allocate. */
enum rest { PASSES, FAILS };

static void arm(unsigned n, enum rest rest)
{
	if (rest == FAILS)
		put(EVERY, "1");
	put(NTH, "%u", n);
}

/* True if the n-th place was reached. */
static bool disarm(void)
{
	char left[16] = "";
	int fd = open(NTH, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(read(fd, left, sizeof(left) - 1) > 0);
	CHECK(pwrite(fd, "0", 1, 0) == 1);
	close(fd);
	put(EVERY, "0");
	return atoi(left) == 0;
}

/* Gives the number of places; `refused`: how often the attempt failed. */
static unsigned each_place(const struct attempt *attempt, void *context, enum rest rest,
			   unsigned *refused)
{
	for (unsigned n = 1; n < PLACES_MAX; n++) {
		bool reached;
		int error;

		if (attempt->prepare)
			attempt->prepare(context);
		arm(n, rest);
		error = attempt->run(context);
		reached = disarm();
		if (!reached)
			CHECK_EQ_IN(error, 0, "%s, without a failure", attempt->name);
		CHECK_IN(!error || error == -ENOMEM || error == -EFAULT, "%s, place %u: %s",
			 attempt->name, n, strerror(-error));
		attempt->settle(context, error);
		if (!reached)
			return n - 1;
		*refused += error != 0;
	}
	check_fail(__FILE__, __LINE__, "%s has no end", attempt->name);
}

void faults_each(const struct attempt *attempt, void *context)
{
	unsigned refused[2] = { 0 }, places[2];

	/* The log shows the way to each place once. */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		set(kinds[i], "verbose", 2);
		set(kinds[i], "probability", 0);
	}
	places[0] = each_place(attempt, context, PASSES, &refused[0]);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		set(kinds[i], "verbose", 0);
	for (size_t i = 0; i < sizeof(memory_kinds) / sizeof(memory_kinds[0]); i++)
		set(memory_kinds[i], "probability", 100);
	places[1] = each_place(attempt, context, FAILS, &refused[1]);
	for (size_t i = 0; i < sizeof(memory_kinds) / sizeof(memory_kinds[0]); i++)
		set(memory_kinds[i], "probability", 0);
	check_note("%s: %u failures, %u times an error; %u with all that follow, %u times an error",
		   attempt->name, places[0], refused[0], places[1], refused[1]);
}
