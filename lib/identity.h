/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What makes a VF this guest's VF on the wire, and only its PF's driver holds:
 * MAC, VLAN, trust, spoof check, link state, transmit rates. Read and set through
 * the PF's network interface (rtnetlink(7), IFLA_VFINFO_LIST of linux/if_link.h).
 *
 * Reading needs no privilege, setting needs CAP_NET_ADMIN. Nothing here takes a
 * lock: who sets a VF's identity holds the VF's claim.
 */
#ifndef VFERRY_IDENTITY_H
#define VFERRY_IDENTITY_H

#include <glib.h>

#define VFERRY_MAC_SIZE 6

/* Values of vlan_protocol, the ones of linux/if_ether.h. */
#define VFERRY_VLAN_8021Q 0x8100
#define VFERRY_VLAN_8021AD 0x88a8

/**
 * VferryIdentityPart - what one request to the kernel sets, in the order of setting
 *
 * First what makes drivers reset the VF (i40e, ice), then what acts on the VF
 * after the reset; the link last, so that it comes up with all else in place.
 */
typedef enum {
	VFERRY_IDENTITY_TRUST = 1 << 0,
	VFERRY_IDENTITY_MAC = 1 << 1,
	VFERRY_IDENTITY_VLAN = 1 << 2,
	VFERRY_IDENTITY_SPOOFCHK = 1 << 3,
	VFERRY_IDENTITY_RATE = 1 << 4,
	VFERRY_IDENTITY_LINK = 1 << 5,
} VferryIdentityPart;

#define VFERRY_IDENTITY_ALL 0x3fU
/* What a guest is known by on the wire: a PF that has been told it has to forget it. */
#define VFERRY_IDENTITY_WIRE ((guint)VFERRY_IDENTITY_MAC | VFERRY_IDENTITY_VLAN)

/** VferryLinkState - what link the VF sees; the numbers are the kernel's */
typedef enum {
	VFERRY_LINK_AUTO,
	VFERRY_LINK_ENABLE,
	VFERRY_LINK_DISABLE,
} VferryLinkState;

/**
 * VferryIdentity - the identity of a VF, or a part of one
 * @parts: VferryIdentityPart bits; a member without its bit has no meaning
 * @mac: MAC; all zero lets the VF choose. What a VF chose itself is read here, too
 * @vlan: _VLAN: port VLAN 1..4094, 0 for none
 * @qos: _VLAN: priority 0..7
 * @vlan_protocol: _VLAN: VFERRY_VLAN_8021Q or _8021AD; of no meaning without a VLAN
 * @trust: may ask for promiscuous mode and more
 * @spoofchk: sends from its own MAC and VLAN only
 * @link_state: _LINK
 * @min_tx_rate: _RATE: Mb/s, 0 for none
 * @max_tx_rate: _RATE: Mb/s, 0 for no limit
 */
typedef struct {
	guint parts;
	guint8 mac[VFERRY_MAC_SIZE];
	guint16 vlan;
	guint8 qos;
	guint16 vlan_protocol;
	gboolean trust;
	gboolean spoofchk;
	VferryLinkState link_state;
	guint32 min_tx_rate;
	guint32 max_tx_rate;
} VferryIdentity;

/**
 * vferry_identity_check() - say whether every part is in the range above
 *
 * A MAC must not be multicast, a minimum rate not above the maximum.
 *
 * Return: FALSE with VFERRY_ERROR_INVALID.
 */
gboolean vferry_identity_check(const VferryIdentity *identity, GError **error);

/**
 * vferry_identity_difference() - the parts of @wanted that @actual lacks or has otherwise
 *
 * Return: VferryIdentityPart bits.
 */
guint vferry_identity_difference(const VferryIdentity *wanted, const VferryIdentity *actual);

/**
 * vferry_identity_text() - some parts of an identity, for a message
 * @parts: VferryIdentityPart bits
 *
 * Return: text like "trust off, MAC 52:54:00:00:00:01, VLAN 10 qos 0, spoof check
 * on, rate 0 to 100 Mb/s, link auto"; "" for no part.
 */
char *vferry_identity_text(const VferryIdentity *identity, guint parts);

/**
 * vferry_identity_read_all() - the identities of all VFs of a PF, in one request
 * @pf_interface: name of the PF's network interface
 *
 * Return: array of VferryIdentity, the VF's index is its place. Parts that the
 * driver does not tell are not set, for some VFs that may be all. Empty for an
 * interface without VFs. NULL with VFERRY_ERROR_NOT_FOUND where there is no such
 * interface, VFERRY_ERROR_REFUSED where it is not Ethernet, VFERRY_ERROR_INVALID
 * for a bad name or a malformed answer, VFERRY_ERROR_FAILED.
 */
GArray *vferry_identity_read_all(const char *pf_interface, GError **error);

/**
 * vferry_identity_read() - the identity of one VF
 *
 * Errors as vferry_identity_read_all(), VFERRY_ERROR_NOT_FOUND also for a VF that
 * is not there.
 */
gboolean vferry_identity_read(const char *pf_interface, guint vf_index, VferryIdentity *ret,
			      GError **error);

/**
 * vferry_identity_apply() - make a VF's identity as wanted, or leave it as it was
 * @wanted: only its parts are touched, of these only what differs
 * @ret_before: the whole identity before; untouched on failure; may be NULL
 *
 * What was set is read back. A refusal, or a driver that keeps another value in
 * silence, puts back what was there before; should that fail, too, the message
 * says what is left.
 *
 * A MAC that the VF has already is not set again, so where the VF chose it itself
 * igb, ixgbe, i40e and ice let it choose another later: vferry_identity_forget()
 * first where that matters. i40e and ice reset the VF for trust, MAC and VLAN: no
 * guest may use it. igb (82576 only) and ixgbe set a rate only while the PF has a
 * link.
 *
 * Return: FALSE with VFERRY_ERROR_INVALID for a @wanted out of range,
 * VFERRY_ERROR_REFUSED before anything is touched for a part that the driver does
 * not tell, VFERRY_ERROR_BUSY where the VF is being reset and trying again helps,
 * VFERRY_ERROR_FAILED where the driver refuses, else as vferry_identity_read().
 */
gboolean vferry_identity_apply(const char *pf_interface, guint vf_index,
			       const VferryIdentity *wanted, VferryIdentity *ret_before,
			       GError **error);

/**
 * vferry_identity_forget() - let a PF forget the guest that has left a VF
 *
 * Sets the MAC to zero and removes the VLAN, so that the PF no longer takes frames
 * for the guest, even if the VF is not reset. What ndo_set_vf_mac() makes of zero:
 *
 * - igb removes the VF's receive address and lets the VF choose one (82576, I350);
 * - ixgbe removes the filter;
 * - i40e removes all filters of the VF, ice the MAC's, and both reset the VF;
 * - mlx5 takes zero as the address; with spoof check on it logs a warning;
 * - a driver that takes valid addresses only answers Invalid argument.
 *
 * The MAC is set even where the PF says zero already: igb does so as soon as the VF is
 * reset, and keeps the receive address. A VLAN that is not there is not removed.
 *
 * Both are tried even if one is refused. Nothing is read back: a driver may have
 * given the VF an address of its own.
 *
 * Return: FALSE with the first refusal, VFERRY_ERROR_BUSY or VFERRY_ERROR_FAILED,
 * else as vferry_identity_read().
 */
gboolean vferry_identity_forget(const char *pf_interface, guint vf_index, GError **error);

#endif
