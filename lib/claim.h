/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One claim: what it says, its text, and what follows from it. No files here. */
#ifndef VFERRY_CLAIM_H
#define VFERRY_CLAIM_H

#include "address.h"
#include "identity.h"

#include <glib.h>

#define VFERRY_BOOT_ID_SIZE 37

/**
 * VferryInstant - a point in time that no one can set
 * @boot: the kernel's boot id, /proc/sys/kernel/random/boot_id
 * @seconds: CLOCK_BOOTTIME, see clock_gettime(2); goes on in suspend
 */
typedef struct {
	char boot[VFERRY_BOOT_ID_SIZE];
	gint64 seconds;
} VferryInstant;

/**
 * vferry_instant_now() - read the clock
 *
 * Errors: those of vferry_sysfs_read() for the boot id.
 */
gboolean vferry_instant_now(VferryInstant *ret, GError **error);

/**
 * VferryClaimPurpose - what a domain has a VF for
 * @VFERRY_CLAIM_RUNNING: it runs here with it
 * @VFERRY_CLAIM_INCOMING: chosen for a migration or a restore that has not begun
 * @VFERRY_CLAIM_BOUND: prepared for a start
 */
typedef enum {
	VFERRY_CLAIM_RUNNING,
	VFERRY_CLAIM_INCOMING,
	VFERRY_CLAIM_BOUND,
} VferryClaimPurpose;

/** vferry_claim_purpose_text() - "running", "incoming", "bound" */
const char *vferry_claim_purpose_text(VferryClaimPurpose purpose);

/**
 * VferryClaim - a domain has a VF, or is about to get it
 * @address: the VF
 * @problem: why the claim's file cannot be trusted, one line; all that follows
 *	is then empty. NULL for every other claim
 * @uuid: the domain's UUID, with hyphens; identifies the owner
 * @name: the domain's name, for messages only
 * @purpose: what for
 * @created: when
 * @lifetime: seconds after @created for which the claim counts, 0 for no end.
 *	A running domain's claim has none
 * @driver: the driver that the VF had before, NULL for none
 * @driver_override: the VF's driver_override before, NULL for none; never the
 *	"(null)" that sysfs shows for none
 * @failover: the domain may open it at any time while it runs (<teaming>)
 * @bound_by_us: vferry changed the driver, so a release has to undo it
 * @identity: what of the VF's identity was otherwise before, so that a release puts it
 *	back; only its parts. Never a MAC: what a VF chose itself reads like what was set
 * @forget: the PF was told the guest's MAC or VLAN, so a release has it forget them
 * @xml_address: the VF that the domain's XML named; @address if it was kept
 * @network: the PF's physical network, NULL if unknown
 * @text: private: what was read, with the keys of a newer version
 *
 * Strings are the claim's own, to be freed by g_free() when they are replaced.
 */
typedef struct {
	VferryAddress address;
	char *problem;
	char *uuid;
	char *name;
	VferryClaimPurpose purpose;
	VferryInstant created;
	guint32 lifetime;
	char *driver;
	char *driver_override;
	gboolean failover;
	gboolean bound_by_us;
	VferryIdentity identity;
	gboolean forget;
	VferryAddress xml_address;
	char *network;
	char *text;
} VferryClaim;

/**
 * vferry_claim_new() - a claim without an end that replaces no address
 *
 * The rest is the caller's to fill in; vferry_claims_put() checks it.
 */
VferryClaim *vferry_claim_new(const VferryAddress *address, const char *uuid, const char *name,
			      VferryClaimPurpose purpose, const VferryInstant *created);

/** vferry_claim_new_problem() - a claim that is there and cannot be trusted */
VferryClaim *vferry_claim_new_problem(const VferryAddress *address, const char *problem);

/** vferry_claim_ref() - another reference; whoever has not made the claim only reads it */
VferryClaim *vferry_claim_ref(VferryClaim *claim);

/** vferry_claim_free() - give a reference back, the claim goes with the last; takes NULL */
void vferry_claim_free(VferryClaim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VferryClaim, vferry_claim_free)

/**
 * vferry_claim_blocks() - whether a domain must not take the claim's VF
 * @claim: NULL where the VF has none
 * @uuid: the domain that would like it
 *
 * A domain may retake its own VF: whoever chooses two VFs for one domain has to
 * see to it that they differ. A claim with a problem blocks everyone, without an
 * end: nobody knows whether a guest writes through that VF. A claim past its
 * lifetime blocks until it is removed.
 */
gboolean vferry_claim_blocks(const VferryClaim *claim, const char *uuid);

/**
 * vferry_claim_expired() - whether a claim counts no more
 *
 * True for a claim of another boot, and for one older than its lifetime; never
 * for one with a problem.
 */
gboolean vferry_claim_expired(const VferryClaim *claim, const VferryInstant *now);

/* No claim's text is longer. */
#define VFERRY_CLAIM_TEXT_MAX 16384

/**
 * vferry_claim_parse() - read a claim's text
 * @address: the VF, which the file's name says
 * @text: hostile until checked
 * @length: bytes of @text
 *
 * Keys that are unknown are kept for vferry_claim_text().
 *
 * Return: the claim, or NULL with VFERRY_ERROR_INVALID.
 */
VferryClaim *vferry_claim_parse(const VferryAddress *address, const char *text, gsize length,
				GError **error);

/**
 * vferry_claim_text() - write a claim's text, a key file
 * @claim: checked here. In @name and @network, which are for messages, what is
 *	not printable is replaced and what goes beyond 255 bytes is cut: a domain
 *	is not refused for its name
 * @earlier: the claim of the same owner that it takes the place of, keys of a
 *	newer version in which are kept; or NULL
 *
 * Return: the text, or NULL with VFERRY_ERROR_INVALID.
 */
char *vferry_claim_text(const VferryClaim *claim, const VferryClaim *earlier, GError **error);

#endif
