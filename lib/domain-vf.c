/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-vf.h"

#include "network-name.h"
#include "xml.h"

#include <string.h>

#define ALIAS_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-"

typedef struct {
	const char *name;
	gboolean (*take)(const char *value, VferryDomainVf *vf);
	const char *wants;
} Attribute;

void vferry_domain_vf_free(VferryDomainVf *vf)
{
	g_free(vf->alias);
	g_free(vf->network);
	g_free(vf);
}

gboolean vferry_mac_parse(const char *text, guint8 *mac)
{
	guint8 bytes[VFERRY_MAC_SIZE];

	if (strlen(text) != 3 * VFERRY_MAC_SIZE - 1)
		return FALSE;
	for (int i = 0; i < VFERRY_MAC_SIZE; i++) {
		const char *digits = text + 3 * i;

		if (!g_ascii_isxdigit(digits[0]) || !g_ascii_isxdigit(digits[1]) ||
		    digits[2] != (i + 1 < VFERRY_MAC_SIZE ? ':' : '\0'))
			return FALSE;
		bytes[i] = (guint8)(g_ascii_xdigit_value(digits[0]) << 4 |
				    g_ascii_xdigit_value(digits[1]));
	}
	if (bytes[0] & 1)
		return FALSE;
	memcpy(mac, bytes, sizeof(bytes));
	return TRUE;
}

static gboolean take_number(const char *value, guint64 maximum, guint64 *ret)
{
	return g_ascii_string_to_unsigned(value, 10, 0, maximum, ret, NULL);
}

/* Which of two words a value is: 0 or 1. */
static gboolean take_word(const char *value, const char *zero, const char *one, int *ret)
{
	if (!g_str_equal(value, zero) && !g_str_equal(value, one))
		return FALSE;
	*ret = g_str_equal(value, one);
	return TRUE;
}

static gboolean take_device(const char *value, VferryDomainVf *vf)
{
	guint64 position;

	if (g_str_has_prefix(value, "ua-") && strspn(value, ALIAS_CHARACTERS) == strlen(value)) {
		vf->alias = g_strdup(value);
		return TRUE;
	}
	if (!take_number(value, G_MAXINT, &position))
		return FALSE;
	vf->position = (int)position;
	return TRUE;
}

static gboolean take_interface(const char *value, VferryDomainVf *vf)
{
	vf->is_interface = TRUE;
	return take_device(value, vf);
}

static gboolean take_network(const char *value, VferryDomainVf *vf)
{
	if (!vferry_network_name_valid(value))
		return FALSE;
	vf->network = g_strdup(value);
	return TRUE;
}

static gboolean take_mac(const char *value, VferryDomainVf *vf)
{
	static const guint8 zero[VFERRY_MAC_SIZE];

	vf->identity.parts |= VFERRY_IDENTITY_MAC;
	return vferry_mac_parse(value, vf->identity.mac) &&
	       memcmp(vf->identity.mac, zero, sizeof(zero));
}

static gboolean take_vlan(const char *value, VferryDomainVf *vf)
{
	guint64 vlan;

	if (!take_number(value, 4094, &vlan))
		return FALSE;
	vf->identity.parts |= VFERRY_IDENTITY_VLAN;
	vf->identity.vlan = (guint16)vlan;
	return TRUE;
}

static gboolean take_vlan_qos(const char *value, VferryDomainVf *vf)
{
	guint64 qos;

	if (!take_number(value, 7, &qos))
		return FALSE;
	vf->identity.qos = (guint8)qos;
	return TRUE;
}

static gboolean take_vlan_protocol(const char *value, VferryDomainVf *vf)
{
	int is_8021ad;

	if (!take_word(value, "802.1Q", "802.1ad", &is_8021ad))
		return FALSE;
	vf->identity.vlan_protocol = is_8021ad ? VFERRY_VLAN_8021AD : VFERRY_VLAN_8021Q;
	return TRUE;
}

static gboolean take_trust(const char *value, VferryDomainVf *vf)
{
	vf->identity.parts |= VFERRY_IDENTITY_TRUST;
	return take_word(value, "no", "yes", &vf->identity.trust);
}

static gboolean take_spoofchk(const char *value, VferryDomainVf *vf)
{
	vf->identity.parts |= VFERRY_IDENTITY_SPOOFCHK;
	return take_word(value, "no", "yes", &vf->identity.spoofchk);
}

static gboolean take_link_state(const char *value, VferryDomainVf *vf)
{
	static const char *const words[] = {
		[VFERRY_LINK_AUTO] = "auto",
		[VFERRY_LINK_ENABLE] = "enable",
		[VFERRY_LINK_DISABLE] = "disable",
	};

	vf->identity.parts |= VFERRY_IDENTITY_LINK;
	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_str_equal(value, words[i])) {
			vf->identity.link_state = (VferryLinkState)i;
			return TRUE;
		}
	}
	return FALSE;
}

static gboolean take_rate(const char *value, VferryDomainVf *vf, guint32 *ret)
{
	guint64 rate;

	if (!take_number(value, G_MAXUINT32, &rate))
		return FALSE;
	vf->identity.parts |= VFERRY_IDENTITY_RATE;
	*ret = (guint32)rate;
	return TRUE;
}

static gboolean take_min_tx_rate(const char *value, VferryDomainVf *vf)
{
	return take_rate(value, vf, &vf->identity.min_tx_rate);
}

static gboolean take_max_tx_rate(const char *value, VferryDomainVf *vf)
{
	return take_rate(value, vf, &vf->identity.max_tx_rate);
}

#define WANTS_DEVICE "an alias like ua-lan or a position from 0"

static const Attribute attributes[] = {
	{ "hostdev", take_device, WANTS_DEVICE },
	{ "interface", take_interface, WANTS_DEVICE },
	{ "network", take_network, "a name of at most 63 letters, digits and . _ -" },
	{ "mac", take_mac, "a unicast MAC like 52:54:00:12:34:56" },
	{ "vlan", take_vlan, "a number from 0 to 4094" },
	{ "vlan-qos", take_vlan_qos, "a number from 0 to 7" },
	{ "vlan-protocol", take_vlan_protocol, "802.1Q or 802.1ad" },
	{ "trust", take_trust, "yes or no" },
	{ "spoofchk", take_spoofchk, "yes or no" },
	{ "link-state", take_link_state, "auto, enable or disable" },
	{ "min-tx-rate", take_min_tx_rate, "a number of Mb/s" },
	{ "max-tx-rate", take_max_tx_rate, "a number of Mb/s" },
};

static gboolean take_attributes(const xmlNode *node, VferryDomainVf *vf, GError **error)
{
	guint known = 0, present = 0;

	for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
		present++;
	for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
		g_autofree char *value = NULL;

		if (!vferry_xml_attribute(node, attributes[i].name, &value, error))
			return FALSE;
		if (!value)
			continue;
		known++;
		if (!attributes[i].take(value, vf)) {
			vferry_xml_refuse(error, node, "attribute %s of vferry's <vf> is not %s",
					  attributes[i].name, attributes[i].wants);
			return FALSE;
		}
	}
	if (known != present) {
		vferry_xml_refuse(error, node, "vferry's <vf> has an attribute that is not known");
		return FALSE;
	}
	return TRUE;
}

static gboolean has(const xmlNode *node, const char *attribute)
{
	return xmlHasProp(node, (const xmlChar *)attribute) != NULL;
}

static gboolean fits_together(const xmlNode *node, const VferryDomainVf *vf, GError **error)
{
	const VferryIdentity *identity = &vf->identity;
	const char *wrong = NULL;

	if (vf->is_interface && (has(node, "mac") || has(node, "vlan")))
		wrong = "has mac or vlan of an <interface>: write them into the <interface>";
	else if (!has(node, "vlan") && (has(node, "vlan-qos") || has(node, "vlan-protocol")))
		wrong = "has vlan-qos or vlan-protocol without vlan";
	else if (identity->max_tx_rate && identity->min_tx_rate > identity->max_tx_rate)
		wrong = "has a min-tx-rate above its max-tx-rate";
	if (!wrong)
		return TRUE;
	vferry_xml_refuse(error, node, "vferry's <vf> %s", wrong);
	return FALSE;
}

static VferryDomainVf *vf_parse(const xmlNode *node, GError **error)
{
	g_autoptr(VferryDomainVf) vf = g_new0(VferryDomainVf, 1);

	vf->line = vferry_xml_line(node);
	vf->position = -1;
	vf->device = -1;
	vf->identity.vlan_protocol = VFERRY_VLAN_8021Q;
	if (has(node, "hostdev") == has(node, "interface")) {
		vferry_xml_refuse(error, node, "vferry's <vf> needs one of hostdev and interface");
		return NULL;
	}
	if (!take_attributes(node, vf, error) || !fits_together(node, vf, error))
		return NULL;
	return g_steal_pointer(&vf);
}

static gboolean is_ours(const xmlNode *node)
{
	return node->type == XML_ELEMENT_NODE && node->ns &&
	       g_str_equal((const char *)node->ns->href, VFERRY_XML_NAMESPACE);
}

static gboolean is_named(const xmlNode *node, const char *name, GError **error)
{
	if (is_ours(node) && g_str_equal((const char *)node->name, name))
		return TRUE;
	vferry_xml_refuse(error, node, "an element that is not vferry's <%s>", name);
	return FALSE;
}

static gboolean take_vfs(const xmlNode *parent, GPtrArray *vfs, GError **error)
{
	for (const xmlNode *node = parent->children; node; node = node->next) {
		VferryDomainVf *vf;

		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (!is_named(node, "vf", error))
			return FALSE;
		if (vfs->len == VFERRY_DOMAIN_VFS_MAX) {
			vferry_xml_refuse(error, node, "more than %d of vferry's <vf>",
					  VFERRY_DOMAIN_VFS_MAX);
			return FALSE;
		}
		vf = vf_parse(node, error);
		if (!vf)
			return FALSE;
		g_ptr_array_add(vfs, vf);
	}
	return TRUE;
}

GPtrArray *vferry_domain_vfs_parse(const xmlNode *domain, GError **error)
{
	g_autoptr(GPtrArray) vfs =
		g_ptr_array_new_with_free_func((GDestroyNotify)vferry_domain_vf_free);
	const xmlNode *metadata = vferry_xml_first(domain, "metadata");

	for (; metadata; metadata = vferry_xml_next(metadata, "metadata"))
		for (const xmlNode *node = metadata->children; node; node = node->next)
			if (is_ours(node) && (!is_named(node, "vfs", error) ||
					      !take_vfs(node, vfs, error)))
				return NULL;
	return g_steal_pointer(&vfs);
}

static const char *orchestrator_of(const xmlNode *node)
{
	/* What follows the prefix is a version, or a part of the same program. */
	static const struct {
		const char *prefix;
		const char *name;
	} known[] = {
		{ "http://openstack.org/xmlns/libvirt/nova/", "Nova" },
		{ "http://ovirt.org/vm/", "oVirt" },
		{ "http://kubevirt.io", "KubeVirt" },
		{ "http://opennebula.org/xmlns/libvirt/", "OpenNebula" },
	};

	if (node->type != XML_ELEMENT_NODE || !node->ns)
		return NULL;
	for (guint i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_has_prefix((const char *)node->ns->href, known[i].prefix))
			return known[i].name;
	return NULL;
}

const char *vferry_domain_orchestrator(const xmlNode *domain)
{
	const xmlNode *metadata = vferry_xml_first(domain, "metadata");

	for (; metadata; metadata = vferry_xml_next(metadata, "metadata")) {
		for (const xmlNode *node = metadata->children; node; node = node->next) {
			const char *name = orchestrator_of(node);

			if (name)
				return name;
		}
	}
	return NULL;
}
