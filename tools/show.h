/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `vferry show` shows of one VF. */
#ifndef VFERRY_SHOW_H
#define VFERRY_SHOW_H

#include "binding.h"
#include "choice.h"
#include "host.h"
#include "identity.h"
#include "migratable.h"
#include "vf.h"

/**
 * Shown - a VF, and all that decides about it; not to be copied
 * @vf: the VF
 * @host: configuration, aliases, claims
 * @config: of its PF
 * @binding: its driver, and driver_override where @has_binding
 * @has_binding: the kernel has told
 * @choice: the driver that it gets where @has_choice
 * @has_choice: it can be told
 * @devlink: what the PF's driver says of it
 * @migratable: whether a guest can migrate with it as it is bound now
 * @why: why, one line
 * @claim: on it, or NULL
 * @claim_age: seconds since it was taken, -1 where that was before this boot
 * @identity: @parts is 0 where the PF does not tell
 * @user: name of the domain that has it now, by libvirt; NULL where libvirt knows none
 * @user_uuid: its UUID
 * @libvirt_answered: libvirt has told
 * @notes: texts, one line each: what is missing, and why
 */
typedef struct {
	VferryVf *vf;
	Host *host;
	const VferryPfConfig *config;
	VferryBinding binding;
	gboolean has_binding;
	VferryChoice choice;
	gboolean has_choice;
	Migratable devlink;
	Migratable migratable;
	char *why;
	const VferryClaim *claim;
	gint64 claim_age;
	VferryIdentity identity;
	char *user;
	char *user_uuid;
	gboolean libvirt_answered;
	GPtrArray *notes;
} Shown;

/** shown_read() - read what can be read, as any user; @vf becomes its own */
Shown *shown_read(VferryVf *vf);

/** shown_config_value() - a key's value as it stands in the file; NULL where nothing is set */
char *shown_config_value(const Shown *shown, VferryPfKey key);

/** shown_print_text() - for people: lines of the form "key: value" */
void shown_print_text(const Shown *shown);

/** shown_print_json() - one JSON object */
void shown_print_json(const Shown *shown);

void shown_free(Shown *shown);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Shown, shown_free)

#endif
