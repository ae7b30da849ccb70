/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_ANSWER_H
#define VFERRY_ANSWER_H

/** Answer - to a question that may have none */
typedef enum {
	ANSWER_UNKNOWN,
	ANSWER_NO,
	ANSWER_YES,
} Answer;

#endif
