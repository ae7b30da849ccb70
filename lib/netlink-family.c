/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By itself: a program that does not call it need not load libnl-genl. */
#include "netlink.h"

#include "error.h"

#include <netlink/genl/ctrl.h>

int vferry_netlink_family(VferryNetlink *netlink, const char *name, GError **error)
{
	int family = genl_ctrl_resolve(netlink, name);

	if (family == -NLE_OBJ_NOTFOUND) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "this kernel has no %s", name);
		return -1;
	}
	if (family < 0) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "asking the kernel for %s: %s", name, nl_geterror(family));
		return -1;
	}
	return family;
}
