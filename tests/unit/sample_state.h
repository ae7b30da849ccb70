/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SAMPLE_STATE_H
#define SAMPLE_STATE_H

#include "state_stream.h"

/**
 * sample_state() - a state such as a busy guest has, with no field left at zero
 * @device: PCI device id of an Intel VF (vendor 8086)
 * @state: filled in
 *
 * Always the same: the golden stream and the fuzzers' corpus are made of it.
 * Return: 0, or -ENODEV where @device is not supported.
 */
int sample_state(u16 device, struct igbvf_state *state);

#endif
