/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_H
#define BENCH_H

#include "check.h"

/* Measures arcs, saving, loading, the dirty log and register access on the
 * first two VFs; prints a table, or one JSON object. Times include the system
 * call; the driver's own share is in its debugfs. */
void bench_run(const struct options *options, bool json);

#endif
