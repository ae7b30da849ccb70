/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which domain has which PCI function of the host, and which networks give them out: libvirt's word. */
#ifndef VFERRY_DOMAINS_H
#define VFERRY_DOMAINS_H

#include "address.h"
#include "connection.h"

/**
 * Domain - one domain, running or not
 * @uuid: lower case, with hyphens
 * @name: as libvirt has it; it may hold anything but a line end
 * @state: virDomainState
 * @active: it runs, or is paused with all its devices
 * @persistent: it stays defined when it has been shut off
 * @live: VferryAddress: functions of the host that it has now; empty unless @active
 * @config: VferryAddress: functions that its next start takes; empty unless @persistent.
 *	In neither is what a network of libvirt gives at the start
 * @managed: VferryAddress: those of @config that libvirt binds itself
 */
typedef struct {
	char uuid[VIR_UUID_STRING_BUFLEN];
	char *name;
	int state;
	gboolean active;
	gboolean persistent;
	GArray *live;
	GArray *config;
	GArray *managed;
} Domain;

/**
 * Domains - all domains of a libvirt at about one instant
 * @libvirt: its version as libvirt numbers it, 11003000 for 11.3
 * @all: Domain, by name
 * @pools: names of active networks that give out devices; empty where they were not asked for
 * @problems: texts, one line each, about domains that could not be read
 * @users: private
 */
typedef struct {
	gulong libvirt;
	GPtrArray *all;
	GPtrArray *pools;
	GPtrArray *problems;
	GHashTable *users;
} Domains;

/**
 * domains_read() - ask for all domains
 * @pools: and for networks, which may start a daemon that is in charge of them
 *
 * Of a domain that goes meanwhile nothing is said; one whose XML cannot be read has
 * a line in @problems.
 *
 * Return: NULL with VFERRY_ERROR_FAILED where libvirt does not answer.
 */
Domains *domains_read(virConnectPtr connection, gboolean pools, GError **error);

/**
 * domains_open() - connect, ask for all domains, and close, in a limited time
 * @uri: as for connection_open(); read only
 * @pools: as for domains_read()
 * @limit: milliseconds
 *
 * Return: NULL with VFERRY_ERROR_BUSY where libvirt has not answered in time (a
 * thread that waits for it is then left behind), else with VFERRY_ERROR_FAILED.
 */
Domains *domains_open(const char *uri, gboolean pools, guint limit, GError **error);

/** domains_user() - the active domain that has a function of the host now, or NULL */
const Domain *domains_user(const Domains *domains, const VferryAddress *address);

/** domains_find() - the domain with a UUID or, where there is none, of that name; or NULL */
const Domain *domains_find(const Domains *domains, const char *uuid_or_name);

void domains_free(Domains *domains);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Domains, domains_free)

#endif
