/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One process for each VF of the command line.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include "check.h"

/* Runs `work` in a process for each VF and waits for all of them; fails when
 * one fails. In `own` the VF of the process is the only one; `shared` is memory
 * that all processes see. */
void workers_run(const struct options *options,
		 void (*work)(const struct options *own, unsigned index, void *shared),
		 void *shared);

/* Zeroed memory for workers_run(). */
void *workers_memory(unsigned long size);

#endif
