/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devlink.h"

#include "error.h"
#include "netlink.h"

#include <linux/devlink.h>
#include <netlink/genl/genl.h>

/*
 * include/uapi/linux/devlink.h of Linux 6.2, where they are DEVLINK_PORT_FN_ATTR_CAPS
 * and DEVLINK_PORT_FN_CAP_MIGRATABLE; Debian 12 has the header of 6.1.
 */
#define PORT_FN_ATTR_CAPS (DEVLINK_PORT_FN_ATTR_OPSTATE + 1)
#define PORT_FN_CAP_MIGRATABLE (1U << 1)

/* The devlink port of a VF. */
typedef struct {
	guint32 index;
	guint vf;
	gboolean knows_migratable;
	gboolean migratable;
} Port;

/* A PF, how to talk about it, and the ports of its VFs that it told of. */
typedef struct {
	VferryNetlink *netlink;
	int family;
	char pf[VFERRY_ADDRESS_TEXT_SIZE];
	GArray *ports;
} Search;

static void search_clear(Search *search)
{
	g_clear_pointer(&search->netlink, nl_socket_free);
	g_clear_pointer(&search->ports, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static gboolean search_open(Search *search, const VferryAddress *pf, GError **error)
{
	search->ports = g_array_new(FALSE, FALSE, sizeof(Port));
	vferry_address_text(pf, search->pf);
	search->netlink = vferry_netlink_open(NETLINK_GENERIC, error);
	if (!search->netlink)
		return FALSE;
	search->family = vferry_netlink_family(search->netlink, DEVLINK_GENL_NAME, error);
	return search->family >= 0;
}

static VferryNetlinkMessage *start_message(const Search *search, guint8 command, int flags)
{
	g_autoptr(VferryNetlinkMessage) message = nlmsg_alloc();

	if (!message ||
	    !genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, search->family, 0, flags, command,
			 DEVLINK_GENL_VERSION) ||
	    nla_put_string(message, DEVLINK_ATTR_BUS_NAME, "pci") < 0 ||
	    nla_put_string(message, DEVLINK_ATTR_DEV_NAME, search->pf) < 0)
		return NULL;
	return g_steal_pointer(&message);
}

static gboolean malformed(GError **error)
{
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "the kernel describes a devlink port in a malformed message");
	return FALSE;
}

static gboolean read_function(struct nlattr *function, Port *port, GError **error)
{
	static const struct nla_policy policy[PORT_FN_ATTR_CAPS + 1] = {
		[PORT_FN_ATTR_CAPS] = { .minlen = sizeof(struct nla_bitfield32) },
	};
	struct nlattr *attributes[PORT_FN_ATTR_CAPS + 1];
	const struct nla_bitfield32 *capabilities;

	if (!vferry_netlink_parse(attributes, PORT_FN_ATTR_CAPS, nla_data(function),
				  nla_len(function), policy))
		return malformed(error);
	if (!attributes[PORT_FN_ATTR_CAPS])
		return TRUE;
	/* The selector says which bits of the value mean something. */
	capabilities = nla_data(attributes[PORT_FN_ATTR_CAPS]);
	port->knows_migratable = (capabilities->selector & PORT_FN_CAP_MIGRATABLE) != 0;
	port->migratable = (capabilities->value & PORT_FN_CAP_MIGRATABLE) != 0;
	return TRUE;
}

/*
 * One PF's devlink has one PF's VFs, so the number of the VF says enough: drivers do
 * not agree on how to number PFs. A SmartNIC has a second port of that number, for
 * the VF of the host that it is plugged into; it is external.
 */
static gboolean is_vf_of_pf(const Search *search, struct nlattr **attributes)
{
	struct nlattr *external = attributes[DEVLINK_ATTR_PORT_EXTERNAL];

	return g_str_equal(nla_get_string(attributes[DEVLINK_ATTR_BUS_NAME]), "pci") &&
	       g_str_equal(nla_get_string(attributes[DEVLINK_ATTR_DEV_NAME]), search->pf) &&
	       attributes[DEVLINK_ATTR_PORT_FLAVOUR] &&
	       nla_get_u16(attributes[DEVLINK_ATTR_PORT_FLAVOUR]) == DEVLINK_PORT_FLAVOUR_PCI_VF &&
	       attributes[DEVLINK_ATTR_PORT_PCI_VF_NUMBER] &&
	       !(external && nla_get_u8(external));
}

static gboolean take_port(struct nlmsghdr *message, gpointer data, GError **error)
{
	static const struct nla_policy policy[DEVLINK_ATTR_MAX + 1] = {
		[DEVLINK_ATTR_BUS_NAME] = { .type = NLA_STRING },
		[DEVLINK_ATTR_DEV_NAME] = { .type = NLA_STRING },
		[DEVLINK_ATTR_PORT_INDEX] = { .type = NLA_U32 },
		[DEVLINK_ATTR_PORT_FLAVOUR] = { .type = NLA_U16 },
		[DEVLINK_ATTR_PORT_PCI_VF_NUMBER] = { .type = NLA_U16 },
		[DEVLINK_ATTR_PORT_EXTERNAL] = { .type = NLA_U8 },
		[DEVLINK_ATTR_PORT_FUNCTION] = { .type = NLA_NESTED },
	};
	struct nlattr *attributes[DEVLINK_ATTR_MAX + 1];
	struct genlmsghdr *header = nlmsg_data(message);
	Search *search = data;
	Port port = { 0 };

	if (message->nlmsg_type != search->family || !genlmsg_valid_hdr(message, 0) ||
	    header->cmd != DEVLINK_CMD_PORT_NEW ||
	    !vferry_netlink_parse(attributes, DEVLINK_ATTR_MAX, genlmsg_attrdata(header, 0),
				  genlmsg_attrlen(header, 0), policy) ||
	    !attributes[DEVLINK_ATTR_BUS_NAME] || !attributes[DEVLINK_ATTR_DEV_NAME] ||
	    !attributes[DEVLINK_ATTR_PORT_INDEX])
		return malformed(error);
	if (!is_vf_of_pf(search, attributes))
		return TRUE;
	port.vf = nla_get_u16(attributes[DEVLINK_ATTR_PORT_PCI_VF_NUMBER]);
	port.index = nla_get_u32(attributes[DEVLINK_ATTR_PORT_INDEX]);
	if (attributes[DEVLINK_ATTR_PORT_FUNCTION] &&
	    !read_function(attributes[DEVLINK_ATTR_PORT_FUNCTION], &port, error))
		return FALSE;
	g_array_append_val(search->ports, port);
	return TRUE;
}

static gboolean read_ports(Search *search, GError **error)
{
	g_autoptr(VferryNetlinkMessage) request =
		start_message(search, DEVLINK_CMD_PORT_GET, NLM_F_DUMP);

	return vferry_netlink_ask(search->netlink, request, take_port, search, error);
}

/* One port, without a look at all others. */
static gboolean read_port(Search *search, guint32 index, GError **error)
{
	g_autoptr(VferryNetlinkMessage) request = start_message(search, DEVLINK_CMD_PORT_GET, 0);

	g_array_set_size(search->ports, 0);
	if (request && nla_put_u32(request, DEVLINK_ATTR_PORT_INDEX, index) < 0)
		g_clear_pointer(&request, nlmsg_free);
	return vferry_netlink_ask(search->netlink, request, take_port, search, error);
}

/* The port of a VF; NULL with an error where there is not one that knows the attribute. */
static const Port *find_port(const Search *search, guint vf, GError **error)
{
	const Port *found = NULL;
	guint ports = 0;

	for (guint i = 0; i < search->ports->len; i++) {
		const Port *port = &g_array_index(search->ports, Port, i);

		if (port->vf != vf)
			continue;
		found = port;
		ports++;
	}
	if (!found)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "there is no devlink port (mlx5 has it in switchdev mode only)");
	else if (ports > 1)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "there are %u devlink ports where one is expected", ports);
	else if (!found->knows_migratable)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "its devlink port does not know 'migratable'");
	else
		return found;
	return NULL;
}

static VferryNetlinkMessage *set_message(const Search *search, guint32 port, gboolean migratable)
{
	const struct nla_bitfield32 capabilities = {
		.value = migratable ? PORT_FN_CAP_MIGRATABLE : 0,
		.selector = PORT_FN_CAP_MIGRATABLE,
	};
	g_autoptr(VferryNetlinkMessage) message = start_message(search, DEVLINK_CMD_PORT_SET, 0);
	struct nlattr *function;

	if (!message ||
	    nla_put_u32(message, DEVLINK_ATTR_PORT_INDEX, port) < 0)
		return NULL;
	function = nla_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION);
	if (!function ||
	    nla_put(message, PORT_FN_ATTR_CAPS, sizeof(capabilities), &capabilities) < 0 ||
	    nla_nest_end(message, function) < 0)
		return NULL;
	return g_steal_pointer(&message);
}

static gboolean set_port(Search *search, const VferryDevlinkVf *vf, gboolean migratable,
			 GError **error)
{
	g_autoptr(VferryNetlinkMessage) request = set_message(search, vf->port, migratable);
	const Port *port;

	if (!vferry_netlink_ask(search->netlink, request, NULL, NULL, error)) {
		g_prefix_error(error, "the driver refuses migratable %s: ",
			       migratable ? "enable" : "disable");
		return FALSE;
	}
	if (!read_port(search, vf->port, error))
		return FALSE;
	port = find_port(search, vf->index, error);
	if (!port || port->migratable == migratable)
		return port != NULL;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "the driver took migratable %s and did not do it",
		    migratable ? "enable" : "disable");
	return FALSE;
}

static gboolean name_vf(const VferryAddress *pf, guint vf_index, GError **error)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	g_prefix_error(error, "%s: VF %u: ", vferry_address_text(pf, text), vf_index);
	return FALSE;
}

gboolean vferry_devlink_migratable_read(const VferryAddress *pf, guint vf_index, gboolean *ret,
					GError **error)
{
	g_auto(Search) search = { 0 };
	const Port *port = search_open(&search, pf, error) && read_ports(&search, error) ?
				   find_port(&search, vf_index, error) : NULL;

	if (!port)
		return name_vf(pf, vf_index, error);
	*ret = port->migratable;
	return TRUE;
}

/* Those of the ports that know the attribute; NULL with an error where a VF has two. */
static GArray *list_vfs(const Search *search, GError **error)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(VferryDevlinkVf));

	for (guint i = 0; i < search->ports->len; i++) {
		const Port *port = &g_array_index(search->ports, Port, i);
		const VferryDevlinkVf vf = { port->vf, port->index, port->migratable };

		if (!port->knows_migratable)
			continue;
		if (!find_port(search, port->vf, error)) {
			g_prefix_error(error, "VF %u: ", port->vf);
			return NULL;
		}
		g_array_append_val(all, vf);
	}
	return g_steal_pointer(&all);
}

GArray *vferry_devlink_migratable_list(const VferryAddress *pf, GError **error)
{
	g_auto(Search) search = { 0 };
	g_autoptr(GError) failure = NULL;
	GArray *all = NULL;

	if ((search_open(&search, pf, &failure) && read_ports(&search, &failure)) ||
	    g_error_matches(failure, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND)) {
		g_clear_error(&failure);
		all = list_vfs(&search, &failure);
	}
	if (!all)
		g_propagate_prefixed_error(error, g_steal_pointer(&failure), "%s: ", search.pf);
	return all;
}

gboolean vferry_devlink_migratable_set(const VferryAddress *pf, const VferryDevlinkVf *vf,
				       gboolean migratable, GError **error)
{
	g_auto(Search) search = { 0 };

	migratable = migratable != FALSE;
	if (!search_open(&search, pf, error) || !set_port(&search, vf, migratable, error))
		return name_vf(pf, vf->index, error);
	return TRUE;
}
