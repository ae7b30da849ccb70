/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which VFs of this host a domain gets that comes from elsewhere: by a migration, or out
 * of a saved image. Pure: who calls has looked at the host, holds the claims' lock since
 * before he looked, and claims what is chosen before he gives it back.
 *
 * A VF is kept where the one that the XML names is here, free and fits: so the choice of
 * an administrator or an orchestrator stands. Else another takes its place that is
 *
 * - free, not used by the host itself, in no network of libvirt's, and of a PF that the
 *   configuration names;
 * - on the same physical network: the one of the domain's metadata; where they say none,
 *   that of the PF of the named VF, if that VF exists here: then the address stands for
 *   the same port on both hosts, as it does for libvirt; else none, so that only VFs of
 *   PFs without a network come into question;
 * - of the same vendor and device: those of the named VF if it exists here. If not, XML
 *   does not tell them, and all VFs on the network have to be of one kind.
 *
 * Of several: near the guest's memory, then with a VFIO driver bound, then by address.
 */
#ifndef VFERRY_DESTINATION_H
#define VFERRY_DESTINATION_H

#include "vf.h"

/**
 * VferryDestinationVf - a VF of this host
 * @vf: the VF
 * @network: physical network of its PF, NULL where the configuration names none
 * @configured: the configuration is about its PF
 * @bindable: vferry binds its driver where need be: configured, and not driver=keep
 * @host_uses: the host does, or may: it has a network driver and no interface that is down
 * @taken: a clause that says who has or uses it; NULL for nobody
 * @pool: libvirt's running network that owns it and gives it to guests by itself; NULL for none
 */
typedef struct {
	const VferryVf *vf;
	const char *network;
	gboolean configured;
	gboolean bindable;
	gboolean host_uses;
	char *taken;
	char *pool;
} VferryDestinationVf;

/**
 * VferryDestinationWish - a VF that the domain needs
 * @named: the address in its XML
 * @network: physical network that its metadata say, or NULL
 * @managed: libvirt binds a VFIO driver by itself
 */
typedef struct {
	VferryAddress named;
	const char *network;
	gboolean managed;
} VferryDestinationWish;

/**
 * vferry_destination_choose() - choose a VF for each wish, no VF twice
 * @vfs: VferryDestinationVf, by address
 * @wishes: VferryDestinationWish
 * @numa_nodes: guint, nodes of the guest's memory; none if it is not bound
 * @orchestrator: who chose the named VFs, so that no other will do; or NULL
 * @ret: an index into @vfs for each wish; undefined on failure
 *
 * Return: FALSE with VFERRY_ERROR_REFUSED; the message names the VF, says why it cannot be
 * had, why no other can, and what to do.
 */
gboolean vferry_destination_choose(const GArray *vfs, const GArray *wishes,
				   const GArray *numa_nodes, const char *orchestrator, guint *ret,
				   GError **error);

#endif
