/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libvirt says of the host that it runs on (virsh capabilities). */
#ifndef VFERRY_CAPABILITIES_H
#define VFERRY_CAPABILITIES_H

#include "connection.h"

/** capabilities_host_uuid() - libvirt's name of the host, or NULL */
char *capabilities_host_uuid(virConnectPtr connection);

/** capabilities_has_apparmor() - whether guests there are confined by AppArmor */
gboolean capabilities_has_apparmor(virConnectPtr connection);

#endif
