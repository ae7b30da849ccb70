/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt says of the host that it runs on (virsh capabilities). */
#ifndef VFERRY_CAPABILITIES_H
#define VFERRY_CAPABILITIES_H

#include "connection.h"

/**
 * capabilities_read() - ask for them, which may take libvirt seconds
 * @ret_uuid: libvirt's name of the host, NULL where it does not tell
 * @ret_apparmor: whether guests there are confined by AppArmor; may be NULL
 */
void capabilities_read(virConnectPtr connection, char **ret_uuid, gboolean *ret_apparmor);

#endif
