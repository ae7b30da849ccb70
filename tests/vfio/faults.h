/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Failures that the kernel is asked for (Documentation/fault-injection): of an
 * allocation, or of a copy from or to this program, with a function of the
 * driver on the way there.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include "check.h"

/* Something that the driver does, and that may fail. */
struct attempt {
	const char *name;
	/* Brings about the state that it begins in; may be NULL. */
	void (*prepare)(void *context);
	/* The attempt: 0 or -errno. Only this meets failures. */
	int (*run)(void *context);
	/* Checks that all is as it should be after that result, and puts it back. */
	void (*settle)(void *context, int error);
	/* An error that it may give besides ENOMEM and EFAULT. */
	int also;
	/* A function of the kernel's that is spared, with all that it calls. */
	const char *spared;
};

/* Skips the test where the kernel has no failures to order. Those of the
 * driver that has the VF are chosen. */
void faults_require(const char *vf);

/* Runs the attempt with the first place failing, then the second and so on,
 * until it passes them all; then again with everything failing from there on.
 * Some rounds of this: the allocator does not ask for pages at each allocation,
 * so places are not numbered alike each time. */
void faults_each(const struct attempt *attempt, void *context);

#endif
