/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "identity.h"

#include "error.h"
#include "identity-message.h"
#include "interface.h"
#include "netlink.h"

#include <string.h>

/* A PF to talk to. */
typedef struct {
	VferryNetlink *netlink;
	const char *name;
	int interface;
} Pf;

static void pf_clear(Pf *pf)
{
	g_clear_pointer(&pf->netlink, nl_socket_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pf, pf_clear)

static gboolean pf_open(Pf *pf, const char *name, GError **error)
{
	if (!vferry_interface_index(name, &pf->interface, error))
		return FALSE;
	pf->name = name;
	pf->netlink = vferry_netlink_open(NETLINK_ROUTE, error);
	return pf->netlink != NULL;
}

static gboolean in_range(const VferryIdentity *identity, VferryIdentityPart part)
{
	switch (part) {
	case VFERRY_IDENTITY_MAC:
		return !(identity->mac[0] & 1);
	case VFERRY_IDENTITY_VLAN:
		return identity->vlan <= 4094 && identity->qos <= 7 &&
		       (identity->vlan_protocol == VFERRY_VLAN_8021Q ||
			identity->vlan_protocol == VFERRY_VLAN_8021AD);
	case VFERRY_IDENTITY_RATE:
		return !identity->max_tx_rate || identity->min_tx_rate <= identity->max_tx_rate;
	case VFERRY_IDENTITY_LINK:
		return identity->link_state <= VFERRY_LINK_DISABLE;
	case VFERRY_IDENTITY_TRUST:
	case VFERRY_IDENTITY_SPOOFCHK:
		return TRUE;
	}
	return FALSE;
}

/* The lowest bit of some parts: the one that is set first. */
static guint first_of(guint parts)
{
	return parts & -parts;
}

/* The highest bit of some parts: the one that was set last. */
static guint last_of(guint parts)
{
	return 1U << g_bit_nth_msf(parts, -1);
}

gboolean vferry_identity_check(const VferryIdentity *identity, GError **error)
{
	for (guint left = identity->parts; left; left &= ~first_of(left)) {
		g_autofree char *text = NULL;

		if (in_range(identity, first_of(left)))
			continue;
		text = vferry_identity_text(identity, first_of(left));
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID, "%s cannot be",
			    *text ? text : "an unknown part");
		return FALSE;
	}
	return TRUE;
}

static gboolean equal(const VferryIdentity *a, const VferryIdentity *b, VferryIdentityPart part)
{
	switch (part) {
	case VFERRY_IDENTITY_TRUST:
		return !a->trust == !b->trust;
	case VFERRY_IDENTITY_MAC:
		return memcmp(a->mac, b->mac, VFERRY_MAC_SIZE) == 0;
	case VFERRY_IDENTITY_VLAN:
		return a->vlan == b->vlan && a->qos == b->qos &&
		       ((!a->vlan && !a->qos) || a->vlan_protocol == b->vlan_protocol);
	case VFERRY_IDENTITY_SPOOFCHK:
		return !a->spoofchk == !b->spoofchk;
	case VFERRY_IDENTITY_RATE:
		return a->min_tx_rate == b->min_tx_rate && a->max_tx_rate == b->max_tx_rate;
	case VFERRY_IDENTITY_LINK:
		return a->link_state == b->link_state;
	}
	return FALSE;
}

guint vferry_identity_difference(const VferryIdentity *wanted, const VferryIdentity *actual)
{
	guint difference = wanted->parts & ~actual->parts;
	guint both = wanted->parts & actual->parts;

	for (; both; both &= ~first_of(both))
		if (!equal(wanted, actual, first_of(both)))
			difference |= first_of(both);
	return difference;
}

static const char *on_off(gboolean on)
{
	return on ? "on" : "off";
}

static char *part_text(const VferryIdentity *identity, VferryIdentityPart part)
{
	static const char *const links[] = { "auto", "enable", "disable" };
	const guint8 *mac = identity->mac;
	guint link = identity->link_state;

	switch (part) {
	case VFERRY_IDENTITY_TRUST:
		return g_strdup_printf("trust %s", on_off(identity->trust));
	case VFERRY_IDENTITY_MAC:
		return g_strdup_printf("MAC %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
				       mac[3], mac[4], mac[5]);
	case VFERRY_IDENTITY_VLAN:
		return g_strdup_printf("VLAN %u qos %u%s", identity->vlan, identity->qos,
				       identity->vlan_protocol == VFERRY_VLAN_8021Q ?
				       "" : " 802.1ad");
	case VFERRY_IDENTITY_SPOOFCHK:
		return g_strdup_printf("spoof check %s", on_off(identity->spoofchk));
	case VFERRY_IDENTITY_RATE:
		return g_strdup_printf("rate %u to %u Mb/s", identity->min_tx_rate,
				       identity->max_tx_rate);
	case VFERRY_IDENTITY_LINK:
		return g_strdup_printf("link %s", link < G_N_ELEMENTS(links) ? links[link] : "?");
	}
	return NULL;
}

char *vferry_identity_text(const VferryIdentity *identity, guint parts)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (parts &= VFERRY_IDENTITY_ALL; parts; parts &= ~first_of(parts)) {
		g_autofree char *part = part_text(identity, first_of(parts));

		g_string_append_printf(text, "%s%s", text->len ? ", " : "", part);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

typedef struct {
	int interface;
	GArray *identities;
} Reading;

static gboolean take_answer(struct nlmsghdr *message, gpointer data, GError **error)
{
	Reading *reading = data;

	g_clear_pointer(&reading->identities, g_array_unref);
	reading->identities = vferry_identity_message_read(message, reading->interface, error);
	return reading->identities != NULL;
}

static GArray *read_all(const Pf *pf, GError **error)
{
	g_autoptr(VferryNetlinkMessage) request = vferry_identity_message_get(pf->interface);
	Reading reading = { .interface = pf->interface };
	g_autoptr(GError) failure = NULL;

	if (!vferry_netlink_ask(pf->netlink, request, take_answer, &reading, &failure)) {
		g_clear_pointer(&reading.identities, g_array_unref);
		g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", pf->name);
	} else if (!reading.identities) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s: the kernel does not describe it", pf->name);
	}
	return reading.identities;
}

static gboolean read_one(const Pf *pf, guint vf_index, VferryIdentity *ret, GError **error)
{
	g_autoptr(GArray) identities = read_all(pf, error);

	if (!identities)
		return FALSE;
	if (vf_index >= identities->len) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "%s has %u VFs: there is no VF %u", pf->name, identities->len,
			    vf_index);
		return FALSE;
	}
	*ret = g_array_index(identities, VferryIdentity, vf_index);
	return TRUE;
}

GArray *vferry_identity_read_all(const char *pf_interface, GError **error)
{
	g_auto(Pf) pf = { 0 };

	return pf_open(&pf, pf_interface, error) ? read_all(&pf, error) : NULL;
}

gboolean vferry_identity_read(const char *pf_interface, guint vf_index, VferryIdentity *ret,
			      GError **error)
{
	g_auto(Pf) pf = { 0 };

	return pf_open(&pf, pf_interface, error) && read_one(&pf, vf_index, ret, error);
}

static gboolean set_part(const Pf *pf, guint vf_index, VferryIdentityPart part,
			 const VferryIdentity *identity, GError **error)
{
	g_autoptr(VferryNetlinkMessage) request =
		vferry_identity_message_set(pf->interface, vf_index, part, identity);
	g_autofree char *text = vferry_identity_text(identity, part);
	g_autoptr(GError) failure = NULL;

	if (vferry_netlink_ask(pf->netlink, request, NULL, NULL, &failure))
		return TRUE;
	/* igb and ixgbe set a rate only while the PF has a link, and do not say so. */
	g_set_error(error, failure->domain, failure->code, "%s: VF %u: the driver refuses %s: %s%s",
		    pf->name, vf_index, text, failure->message,
		    part == VFERRY_IDENTITY_RATE ? ": is the PF's link up?" : "");
	return FALSE;
}

static gboolean set_parts(const Pf *pf, guint vf_index, guint parts,
			  const VferryIdentity *identity, GError **error)
{
	for (; parts; parts &= ~first_of(parts))
		if (!set_part(pf, vf_index, first_of(parts), identity, error))
			return FALSE;
	return TRUE;
}

static gboolean verify(const Pf *pf, guint vf_index, const VferryIdentity *wanted, GError **error)
{
	g_autofree char *asked = NULL;
	g_autofree char *got = NULL;
	VferryIdentity actual;
	guint wrong;

	if (!read_one(pf, vf_index, &actual, error))
		return FALSE;
	wrong = vferry_identity_difference(wanted, &actual);
	if (!wrong)
		return TRUE;
	asked = vferry_identity_text(wanted, wrong);
	got = vferry_identity_text(&actual, wrong & actual.parts);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "%s: VF %u: the driver took %s, but tells %s", pf->name, vf_index, asked,
		    *got ? got : "nothing");
	return FALSE;
}

/* The kernel may have done half of what it refused: what is there now counts. */
static gboolean put_back(const Pf *pf, guint vf_index, const VferryIdentity *before, GError **error)
{
	g_autoptr(GError) first = NULL;
	VferryIdentity actual;
	guint left;

	if (!read_one(pf, vf_index, &actual, error))
		return FALSE;
	for (left = vferry_identity_difference(before, &actual); left; left &= ~last_of(left))
		set_part(pf, vf_index, last_of(left), before, first ? NULL : &first);
	if (first) {
		g_propagate_error(error, g_steal_pointer(&first));
		return FALSE;
	}
	return verify(pf, vf_index, before, error);
}

static gboolean check_told(const Pf *pf, guint vf_index, const VferryIdentity *wanted,
			   const VferryIdentity *before, GError **error)
{
	guint unknown = wanted->parts & ~before->parts;
	g_autofree char *text = vferry_identity_text(wanted, unknown);

	if (!unknown)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
		    "%s: VF %u: the driver would not tell whether it has set %s", pf->name,
		    vf_index, text);
	return FALSE;
}

static gboolean change(const Pf *pf, guint vf_index, const VferryIdentity *wanted,
		       const VferryIdentity *before, GError **error)
{
	guint parts = vferry_identity_difference(wanted, before);
	VferryIdentity touched = *before;
	g_autoptr(GError) failure = NULL;
	g_autoptr(GError) worse = NULL;

	if (!parts || (set_parts(pf, vf_index, parts, wanted, &failure) &&
		       verify(pf, vf_index, wanted, &failure)))
		return TRUE;

	touched.parts = parts;
	if (!put_back(pf, vf_index, &touched, &worse))
		g_set_error(error, failure->domain, failure->code,
			    "%s; what was there before is not back: %s", failure->message,
			    worse->message);
	else
		g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

gboolean vferry_identity_apply(const char *pf_interface, guint vf_index,
			       const VferryIdentity *wanted, VferryIdentity *ret_before,
			       GError **error)
{
	g_auto(Pf) pf = { 0 };
	VferryIdentity before;

	if (!vferry_identity_check(wanted, error)) {
		g_prefix_error(error, "%s: VF %u: ", pf_interface, vf_index);
		return FALSE;
	}
	if (!pf_open(&pf, pf_interface, error) || !read_one(&pf, vf_index, &before, error) ||
	    !check_told(&pf, vf_index, wanted, &before, error) ||
	    !change(&pf, vf_index, wanted, &before, error))
		return FALSE;
	if (ret_before)
		*ret_before = before;
	return TRUE;
}

gboolean vferry_identity_forget(const char *pf_interface, guint vf_index, GError **error)
{
	const VferryIdentity nobody = {
		.parts = VFERRY_IDENTITY_WIRE,
		.vlan_protocol = VFERRY_VLAN_8021Q,
	};
	g_auto(Pf) pf = { 0 };
	g_autoptr(GError) first = NULL;
	VferryIdentity actual;
	guint left;

	if (!pf_open(&pf, pf_interface, error) || !read_one(&pf, vf_index, &actual, error))
		return FALSE;
	/* igb says zero as soon as the VF is reset, and goes on taking frames for the guest.
	 * A part that the driver does not tell is one that it does not have.
	 */
	left = (vferry_identity_difference(&nobody, &actual) | VFERRY_IDENTITY_MAC) & actual.parts;
	for (; left; left &= ~first_of(left))
		set_part(&pf, vf_index, first_of(left), &nobody, first ? NULL : &first);
	if (!first)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}
