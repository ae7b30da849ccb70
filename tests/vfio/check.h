/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a test needs to say: checks, notes, skips.
 *
 * Every test runs in a process of its own, so a failed check simply ends that
 * process; the kernel closes the device, which puts it back where it was. The
 * checks may be used from threads and from processes that the test forks.
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_VFS 8

/* The command line. `vf` holds PCI addresses, all VFs of one PF. */
struct options {
	const char *vf[MAX_VFS];
	unsigned vf_count;
	char pf[32]; /* network interface of the PF, found through sysfs */
	uint64_t seed;
	unsigned mutations;
	unsigned rounds; /* of `bench` */
	unsigned slowness; /* tests may take so many times as long */
};

struct test {
	const char *name;
	void (*run)(const struct options *options);
	unsigned limit; /* seconds, 0: the default of 60 */
};

/* Arrays of tests, each ended by an entry without a name. */
extern const struct test nic_tests[];
extern const struct test access_tests[];
extern const struct test arcs_tests[];
extern const struct test stream_tests[];
extern const struct test precopy_tests[];
extern const struct test move_tests[];
extern const struct test mailbox_tests[];
extern const struct test refusal_tests[];
extern const struct test dirty_tests[];
extern const struct test dirty_report_tests[];
extern const struct test dirty_events_tests[];
extern const struct test dirty_load_tests[];
extern const struct test reset_tests[];
extern const struct test parallel_tests[];
extern const struct test faults_tests[];
extern const struct test faults_states_tests[];
extern const struct test faults_log_tests[];
extern const struct test hostile_tests[];

/* Ends the test: failed, with the place and a text; the first one wins. */
void check_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Ends the test: it cannot run here, for the reason given. */
void check_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Has a shell command run after the test, however the test ends: what puts the
 * host back as it was. */
void check_after(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a line "# NAME: text", for figures and progress. */
void check_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fails unless `condition`; reports errno too. */
#define CHECK(condition)                                                            \
	do {                                                                        \
		errno = 0;                                                          \
		if (!(condition))                                                   \
			check_fail(__FILE__, __LINE__, "%s (errno %d)", #condition, \
				   errno);                                          \
	} while (0)

/* Fails unless both integers are equal; reports both. Functions of this
 * program that can fail give -errno, so that this also checks an errno. */
#define CHECK_EQ(actual, expected)                                                         \
	do {                                                                               \
		long long actual_ = (long long)(actual);                                   \
		long long expected_ = (long long)(expected);                               \
		if (actual_ != expected_)                                                  \
			check_fail(__FILE__, __LINE__, "%s is %lld (0x%llx), not %s %lld", \
				   #actual, actual_, (unsigned long long)actual_,          \
				   #expected, expected_);                                  \
	} while (0)

/* The same, with a text about the case at hand (printf format). */
#define CHECK_EQ_IN(actual, expected, format, ...)                                    \
	do {                                                                          \
		long long actual_ = (long long)(actual);                              \
		long long expected_ = (long long)(expected);                          \
		if (actual_ != expected_)                                             \
			check_fail(__FILE__, __LINE__,                                \
				   "%s is %lld (0x%llx), not %lld: " format, #actual, \
				   actual_, (unsigned long long)actual_, expected_,   \
				   __VA_ARGS__);                                      \
	} while (0)

#define CHECK_IN(condition, format, ...)                                          \
	do {                                                                      \
		if (!(condition))                                                 \
			check_fail(__FILE__, __LINE__, "%s: " format, #condition, \
				   __VA_ARGS__);                                  \
	} while (0)

/* Runs the tests whose names are given (none: all), prints a line for each and
 * the closing marker. Gives the number of failures. */
int check_run(const struct options *options, char **names, int count);

/* Prints the names of all tests. */
void check_list(void);

/* Clock for deadlines and durations, ns. */
uint64_t now_ns(void);

#endif
