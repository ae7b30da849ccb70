/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim-identity.h"

#include "error.h"

/* All are numbers, a MAC is none: a claim never has one to put back. */
typedef struct {
	const char *key;
	VferryIdentityPart part;
	guint64 (*get)(const VferryIdentity *identity);
	void (*set)(VferryIdentity *identity, guint64 value);
	guint64 maximum;
} Field;

#define FIELD(name, type)							\
	static guint64 get_##name(const VferryIdentity *identity)		\
	{									\
		return (guint64)identity->name;					\
	}									\
										\
	static void set_##name(VferryIdentity *identity, guint64 value)		\
	{									\
		identity->name = (type)value;					\
	}

FIELD(trust, gboolean)
FIELD(vlan, guint16)
FIELD(qos, guint8)
FIELD(vlan_protocol, guint16)
FIELD(spoofchk, gboolean)
FIELD(min_tx_rate, guint32)
FIELD(max_tx_rate, guint32)
FIELD(link_state, VferryLinkState)

static const Field fields[] = {
	{ "trust-before", VFERRY_IDENTITY_TRUST, get_trust, set_trust, 1 },
	{ "vlan-before", VFERRY_IDENTITY_VLAN, get_vlan, set_vlan, 4094 },
	{ "vlan-qos-before", VFERRY_IDENTITY_VLAN, get_qos, set_qos, 7 },
	{ "vlan-protocol-before", VFERRY_IDENTITY_VLAN, get_vlan_protocol, set_vlan_protocol,
	  G_MAXUINT16 },
	{ "spoofchk-before", VFERRY_IDENTITY_SPOOFCHK, get_spoofchk, set_spoofchk, 1 },
	{ "min-tx-rate-before", VFERRY_IDENTITY_RATE, get_min_tx_rate, set_min_tx_rate,
	  G_MAXUINT32 },
	{ "max-tx-rate-before", VFERRY_IDENTITY_RATE, get_max_tx_rate, set_max_tx_rate,
	  G_MAXUINT32 },
	{ "link-state-before", VFERRY_IDENTITY_LINK, get_link_state, set_link_state,
	  VFERRY_LINK_DISABLE },
};

static gboolean take_field(GKeyFile *file, const char *group, const Field *field,
			   VferryIdentity *identity, GError **error)
{
	g_autofree char *text = g_key_file_get_string(file, group, field->key, NULL);
	guint64 value;

	if (!text || !g_ascii_string_to_unsigned(text, 10, 0, field->maximum, &value, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "the claim's '%s' is no number from 0 to %" G_GUINT64_FORMAT,
			    field->key, field->maximum);
		return FALSE;
	}
	field->set(identity, value);
	return TRUE;
}

gboolean vferry_claim_identity_take(GKeyFile *file, const char *group, VferryIdentity *ret,
				    GError **error)
{
	VferryIdentity identity = { .parts = 0 };
	guint lacking = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (!g_key_file_has_key(file, group, fields[i].key, NULL)) {
			lacking |= fields[i].part;
			continue;
		}
		if (!take_field(file, group, &fields[i], &identity, error))
			return FALSE;
		identity.parts |= fields[i].part;
	}
	identity.parts &= ~lacking;
	if (!vferry_identity_check(&identity, error))
		return FALSE;
	*ret = identity;
	return TRUE;
}

void vferry_claim_identity_set(GKeyFile *file, const char *group, const VferryIdentity *identity)
{
	for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (identity->parts & fields[i].part)
			g_key_file_set_uint64(file, group, fields[i].key,
					      fields[i].get(identity));
		else
			g_key_file_remove_key(file, group, fields[i].key, NULL);
	}
}
