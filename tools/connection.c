/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "connection.h"

#include "error.h"

#include <libvirt/virterror.h>

/* What libvirt would print for each error, we say ourselves. */
static void ignore_error(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static gboolean is_gone(void)
{
	int code = virGetLastErrorCode();

	return code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_NO_NODE_DEVICE;
}

void connection_set_error(GError **error, const char *format, ...)
{
	const virError *reason = virGetLastError();
	g_autofree char *doing = NULL;
	g_autofree char *words = NULL;
	va_list arguments;

	va_start(arguments, format);
	doing = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	words = g_strdup(reason && reason->message ? reason->message : "no reason is given");
	g_strdelimit(words, "\r\n", ' ');
	g_set_error(error, VFERRY_ERROR,
		    is_gone() ? VFERRY_ERROR_NOT_FOUND : VFERRY_ERROR_FAILED,
		    "%s: %s", doing, g_strstrip(words));
}

virConnectPtr connection_open(const char *uri, gboolean read_only, GError **error)
{
	const char *name = uri ? uri : CONNECTION_LOCAL_URI;
	virConnectPtr connection;

	virSetErrorFunc(NULL, ignore_error);
	connection = read_only ? virConnectOpenReadOnly(name) :
				 virConnectOpenAuth(name, virConnectAuthPtrDefault, 0);
	if (!connection)
		connection_set_error(error, "connecting to %s", name);
	return connection;
}
