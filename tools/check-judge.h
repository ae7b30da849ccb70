/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What follows from the facts: whether the domain can migrate. Nothing is asked here. */
#ifndef VFERRY_CHECK_JUDGE_H
#define VFERRY_CHECK_JUDGE_H

#include "check-facts.h"
#include "report.h"

/** check_judge_here() - lines about this host and the domain */
void check_judge_here(Report *report, const CheckHere *here);

/**
 * check_judge_there() - lines about the other host
 *
 * For each device of the domain a function there is looked for, which no other device
 * of it gets: the one of the same address if it fits, else the one that is nearest to
 * being ready.
 */
void check_judge_there(Report *report, const CheckHere *here, const CheckThere *there);

#endif
