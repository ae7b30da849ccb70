/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_VF_USER_H
#define VFERRY_VF_USER_H

#include "claim.h"
#include "vf.h"

#include <sys/types.h>

/**
 * vferry_vf_user() - who uses a VF, or is about to
 * @vf: read just now
 * @claim: the claim on it, NULL for none; one that is past its lifetime doesn't count
 *
 * In use is a VF that a domain has claimed, that a process has open through VFIO, or that
 * is a network interface of this host that is up. A VF of a network card that has a driver
 * but neither interface nor VFIO device may be one of another network namespace.
 *
 * Return: a clause for messages, to be freed: who that is, or why it cannot be told. NULL
 * if nobody uses it.
 */
char *vferry_vf_user(const VferryVf *vf, const VferryClaim *claim);

/**
 * vferry_vf_user_with() - the same, for whoever has looked at many VFs at once
 * @process: what vferry_vfio_users() says of the VF
 */
char *vferry_vf_user_with(const VferryVf *vf, const VferryClaim *claim, pid_t process);

/** vferry_vf_network_user() - the part of it that is about the VF's network interface */
char *vferry_vf_network_user(const VferryVf *vf);

#endif
