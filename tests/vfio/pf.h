/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The administrator of the PF, played with ip(8).
 */
#ifndef PF_H
#define PF_H

#include "check.h"

/* "ip link set dev PF ..." with the words of the format; ends the test if it
 * fails. */
void pf_link(const struct options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Has `what` of VF `number` put back after the test, however it ends. */
void pf_link_after(const struct options *options, const char *what, unsigned number);

/* Takes the PF's interface down; it comes up again after the test. */
void pf_down(const struct options *options);

/* Takes it up and waits until it has its link. */
void pf_up(const struct options *options);

#endif
