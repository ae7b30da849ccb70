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
#define ROUNDS 3

/* What is spared: vmalloc warns of its own way out, slab has pages from elsewhere if need be. */
#define VMALLOC "alloc_vmap_area"
#define SLAB_REFILL "allocate_slab"

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

/* A range of code. */
struct code {
	uint64_t start, end;
};

/* Calls `see` for each function of the kernel and its modules ("" for none). */
static void each_function(void (*see)(uint64_t address, const char *name, const char *module,
				      void *context),
			  void *context)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], name[256], module[64], kind;
	uint64_t address;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		module[0] = '\0';
		if (sscanf(line, "%" SCNx64 " %c %255s [%63[^]]", &address, &kind, name, module) >= 3 &&
		    (kind == 't' || kind == 'T'))
			see(address, name, module, context);
	}
	fclose(file);
}

struct search {
	const char *name;
	struct code code;
};

static void see_module(uint64_t address, const char *name, const char *module, void *context)
{
	struct search *search = context;

	(void)name;
	if (strcmp(module, search->name))
		return;
	search->code.start = address < search->code.start ? address : search->code.start;
	search->code.end = address > search->code.end ? address : search->code.end;
}

static struct code module_code(const char *module)
{
	struct search search = { module, { UINT64_MAX, 0 } };

	each_function(see_module, &search);
	CHECK_IN(search.code.end, "no functions of %s in /proc/kallsyms", module);
	/* The last function ends in its page: nothing else has room there. */
	search.code.end = (search.code.end + PAGE) & ~(uint64_t)(PAGE - 1);
	return search.code;
}

static void see_start(uint64_t address, const char *name, const char *module, void *context)
{
	struct search *search = context;

	(void)module;
	if (!strcmp(name, search->name))
		search->code.start = address;
}

static void see_next(uint64_t address, const char *name, const char *module, void *context)
{
	struct search *search = context;

	(void)name;
	(void)module;
	if (address > search->code.start && address < search->code.end)
		search->code.end = address;
}

static struct code function_code(const char *function)
{
	struct search search = { function, { 0, UINT64_MAX } };

	each_function(see_start, &search);
	CHECK_IN(search.code.start, "no function %s in /proc/kallsyms", function);
	each_function(see_next, &search);
	return search.code;
}

static void spare(const char *kind, struct code code)
{
	set(kind, "reject-start", code.start);
	set(kind, "reject-end", code.end);
}

void faults_require(const char *vf)
{
	struct code driver;
	char name[64];

	if (access(NTH, F_OK) || access(DEBUGFS "/failslab/require-start", F_OK))
		check_skip("this kernel forces no failures");
	vf_driver(vf, name, sizeof(name));
	driver = module_code(name);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		check_after("echo 0 > " DEBUGFS "/%s/probability", kinds[i]);
		set(kinds[i], "require-start", driver.start);
		set(kinds[i], "require-end", driver.end);
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
		CHECK_IN(!error || error == -ENOMEM || error == -EFAULT || error == -attempt->also,
			 "%s, place %u: %s", attempt->name, n, strerror(-error));
		attempt->settle(context, error);
		if (!reached)
			return n - 1;
		*refused += error != 0;
	}
	check_fail(__FILE__, __LINE__, "%s has no end", attempt->name);
}

static void set_all(const char *const *names, size_t count, const char *file, uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		set(names[i], file, value);
}

void faults_each(const struct attempt *attempt, void *context)
{
	unsigned refused[2] = { 0 }, places[2] = { 0 };

	spare("failslab", function_code(attempt->spared ? attempt->spared : VMALLOC));
	spare("fail_page_alloc", function_code(attempt->spared ? attempt->spared : SLAB_REFILL));
	for (unsigned round = 0; round < ROUNDS; round++) {
		/* The log shows the way to each place. */
		set_all(kinds, 3, "verbose", 2);
		set_all(memory_kinds, 2, "probability", 0);
		places[0] += each_place(attempt, context, PASSES, &refused[0]);
		set_all(kinds, 3, "verbose", 0);
		set_all(memory_kinds, 2, "probability", 100);
		places[1] += each_place(attempt, context, FAILS, &refused[1]);
	}
	set_all(memory_kinds, 2, "probability", 0);
	check_note("%s: %u failures, %u times an error; %u with all that follow, %u times an error",
		   attempt->name, places[0], refused[0], places[1], refused[1]);
}
