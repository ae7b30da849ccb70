// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A libvirt for tests, put in front of the real one by LD_PRELOAD. What it knows is in
 * a folder that FAKE_LIBVIRT names:
 *
 *   here/, there/          what qemu:///system and any other URI lead to; without the
 *                          folder connecting fails
 *     version, libversion  numbers
 *     capabilities.xml
 *     nodedev/NAME, networks/NAME    XML
 *     domains/UUID/        name, live.xml, inactive.xml, migratable.xml, and state:
 *                          "STATE REASON", numbers of libvirt, "5 0" where there is none
 *   migrate                first word "ok", "fail", "lost" (the connection ends, too) or
 *                          "busy" (abort is refused), then milliseconds, then libvirt's words
 *   monitor                what QEMU answers
 *   log                    calls that change something, one a line
 *
 * virEvent*() and virTypedParams*() are the real ones.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define INTERVAL 20

struct _virConnect {
	char *uri;
	char *folder;
	int is_alive;
	virConnectDomainEventCallback lifecycle;
	void *lifecycle_data;
	char *states;
	virConnectDomainEventJobCompletedCallback completed;
	void *completed_data;
};

struct _virDomain {
	virConnectPtr connection;
	char *folder;
	char *name;
	char *uuid;
};

struct _virNodeDevice {
	char *path;
};

struct _virNetwork {
	char *path;
	char *name;
};

static __thread virError last;
static int aborted;
static int is_migrating;
static int is_completed;
static gint64 started;

/* Files */

static const char *root(void)
{
	return g_getenv("FAKE_LIBVIRT");
}

static char *read_file(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *text = NULL;

	/* What libvirt returns is freed by free(). */
	return g_file_get_contents(path, &text, NULL, NULL) ? strdup(text) : NULL;
}

static gulong read_number(const char *folder, const char *name)
{
	char *text = read_file(folder, name);
	gulong value = text ? strtoul(text, NULL, 10) : 0;

	free(text);
	return value;
}

static char **list_folder(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	GPtrArray *names = g_ptr_array_new();
	const char *entry;

	while (dir && (entry = g_dir_read_name(dir)))
		g_ptr_array_add(names, g_strdup(entry));
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

static void note(const char *format, ...)
{
	g_autofree char *path = g_build_filename(root(), "log", NULL);
	g_autofree char *text = NULL;
	FILE *log = fopen(path, "a");
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	if (!log)
		return;
	fprintf(log, "%s\n", text);
	fclose(log);
}

/* Errors */

static void fail(int code, const char *message)
{
	free(last.message);
	last.code = code;
	last.message = strdup(message);
}

EXPORT void virSetErrorFunc(void *data, virErrorFunc handler)
{
	(void)data;
	(void)handler;
}

EXPORT virErrorPtr virGetLastError(void)
{
	return last.message ? &last : NULL;
}

EXPORT int virGetLastErrorCode(void)
{
	return last.code;
}

/* Connections */

static virConnectPtr open_connection(const char *uri)
{
	const char *host = g_str_equal(uri, "qemu:///system") ? "here" : "there";
	g_autofree char *folder = g_build_filename(root(), host, NULL);
	virConnectPtr connection;

	virInitialize();
	if (!g_file_test(folder, G_FILE_TEST_IS_DIR)) {
		fail(VIR_ERR_SYSTEM_ERROR, "unable to connect\nto server");
		return NULL;
	}
	connection = g_new0(struct _virConnect, 1);
	connection->folder = g_steal_pointer(&folder);
	connection->uri = g_strdup(uri);
	connection->is_alive = 1;
	return connection;
}

EXPORT virConnectPtr virConnectOpenReadOnly(const char *uri)
{
	return open_connection(uri);
}

EXPORT virConnectPtr virConnectOpenAuth(const char *uri, virConnectAuthPtr auth, unsigned int flags)
{
	(void)auth;
	(void)flags;
	return open_connection(uri);
}

EXPORT int virConnectClose(virConnectPtr connection)
{
	g_free(connection->uri);
	g_free(connection->folder);
	g_free(connection->states);
	g_free(connection);
	return 0;
}

EXPORT char *virConnectGetURI(virConnectPtr connection)
{
	return strdup(connection->uri);
}

EXPORT int virConnectIsAlive(virConnectPtr connection)
{
	return connection->is_alive;
}

EXPORT int virConnectSetKeepAlive(virConnectPtr connection, int interval, unsigned int count)
{
	(void)connection;
	(void)interval;
	(void)count;
	return 0;
}

EXPORT int virConnectRegisterCloseCallback(virConnectPtr connection, virConnectCloseFunc callback,
					   void *data, virFreeCallback clear)
{
	(void)connection;
	(void)callback;
	(void)data;
	(void)clear;
	return 0;
}

EXPORT int virConnectGetVersion(virConnectPtr connection, unsigned long *version)
{
	*version = read_number(connection->folder, "version");
	return 0;
}

EXPORT int virConnectGetLibVersion(virConnectPtr connection, unsigned long *version)
{
	*version = read_number(connection->folder, "libversion");
	return 0;
}

EXPORT char *virConnectGetCapabilities(virConnectPtr connection)
{
	return read_file(connection->folder, "capabilities.xml");
}

EXPORT unsigned long long virNodeGetFreeMemory(virConnectPtr connection)
{
	return read_number(connection->folder, "memory");
}

/* Node devices and networks */

EXPORT int virConnectListAllNodeDevices(virConnectPtr connection, virNodeDevicePtr **devices,
					unsigned int flags)
{
	g_auto(GStrv) names = list_folder(connection->folder, "nodedev");
	guint count = g_strv_length(names);

	(void)flags;
	*devices = calloc(count + 1, sizeof(**devices));
	for (guint i = 0; i < count; i++) {
		(*devices)[i] = g_new0(struct _virNodeDevice, 1);
		(*devices)[i]->path = g_build_filename(connection->folder, "nodedev", names[i],
						       NULL);
	}
	return (int)count;
}

EXPORT char *virNodeDeviceGetXMLDesc(virNodeDevicePtr device, unsigned int flags)
{
	(void)flags;
	return read_file(device->path, "");
}

EXPORT virNodeDevicePtr virNodeDeviceLookupByName(virConnectPtr connection, const char *name)
{
	virNodeDevicePtr device = g_new0(struct _virNodeDevice, 1);

	(void)connection;
	device->path = g_strdup(name);
	return device;
}

EXPORT int virNodeDeviceDetachFlags(virNodeDevicePtr device, const char *driver, unsigned int flags)
{
	(void)flags;
	note("detach %s %s", device->path, driver ? driver : "vfio");
	return 0;
}

EXPORT int virNodeDeviceFree(virNodeDevicePtr device)
{
	g_free(device->path);
	g_free(device);
	return 0;
}

static virNetworkPtr network_new(virConnectPtr connection, const char *name)
{
	virNetworkPtr network = g_new0(struct _virNetwork, 1);

	network->name = g_strdup(name);
	network->path = g_build_filename(connection->folder, "networks", name, NULL);
	return network;
}

EXPORT int virConnectListAllNetworks(virConnectPtr connection, virNetworkPtr **networks,
				     unsigned int flags)
{
	g_auto(GStrv) names = list_folder(connection->folder, "networks");
	guint count = g_strv_length(names);

	(void)flags;
	*networks = calloc(count + 1, sizeof(**networks));
	for (guint i = 0; i < count; i++)
		(*networks)[i] = network_new(connection, names[i]);
	return (int)count;
}

EXPORT virNetworkPtr virNetworkLookupByName(virConnectPtr connection, const char *name)
{
	return network_new(connection, name);
}

EXPORT char *virNetworkGetXMLDesc(virNetworkPtr network, unsigned int flags)
{
	(void)flags;
	return read_file(network->path, "");
}

EXPORT const char *virNetworkGetName(virNetworkPtr network)
{
	return network->name;
}

EXPORT int virNetworkFree(virNetworkPtr network)
{
	g_free(network->path);
	g_free(network->name);
	g_free(network);
	return 0;
}

/* Domains */

static virDomainPtr domain_new(virConnectPtr connection, const char *uuid)
{
	virDomainPtr domain = g_new0(struct _virDomain, 1);
	char *name;

	domain->connection = connection;
	domain->uuid = g_strdup(uuid);
	domain->folder = g_build_filename(connection->folder, "domains", uuid, NULL);
	name = read_file(domain->folder, "name");
	domain->name = g_strstrip(g_strdup(name ? name : ""));
	free(name);
	return domain;
}

EXPORT int virDomainFree(virDomainPtr domain)
{
	g_free(domain->uuid);
	g_free(domain->name);
	g_free(domain->folder);
	g_free(domain);
	return 0;
}

EXPORT int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **domains,
				    unsigned int flags)
{
	g_auto(GStrv) names = list_folder(connection->folder, "domains");
	guint count = g_strv_length(names);

	(void)flags;
	*domains = calloc(count + 1, sizeof(**domains));
	for (guint i = 0; i < count; i++)
		(*domains)[i] = domain_new(connection, names[i]);
	return (int)count;
}

static virDomainPtr find_domain(virConnectPtr connection, const char *wanted, gboolean by_name)
{
	g_auto(GStrv) uuids = list_folder(connection->folder, "domains");

	for (guint i = 0; uuids[i]; i++) {
		virDomainPtr domain = domain_new(connection, uuids[i]);

		if (g_str_equal(wanted, by_name ? domain->name : domain->uuid))
			return domain;
		virDomainFree(domain);
	}
	fail(VIR_ERR_NO_DOMAIN, "Domain not found");
	return NULL;
}

EXPORT virDomainPtr virDomainLookupByUUIDString(virConnectPtr connection, const char *uuid)
{
	return find_domain(connection, uuid, FALSE);
}

EXPORT virDomainPtr virDomainLookupByName(virConnectPtr connection, const char *name)
{
	return find_domain(connection, name, TRUE);
}

EXPORT const char *virDomainGetName(virDomainPtr domain)
{
	return domain->name;
}

EXPORT int virDomainGetUUIDString(virDomainPtr domain, char *uuid)
{
	g_strlcpy(uuid, domain->uuid, VIR_UUID_STRING_BUFLEN);
	return 0;
}

EXPORT char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
	const char *name = flags & VIR_DOMAIN_XML_MIGRATABLE ? "migratable.xml" :
			   flags & VIR_DOMAIN_XML_INACTIVE ? "inactive.xml" : "live.xml";
	char *text = read_file(domain->folder, name);

	if (!text)
		fail(VIR_ERR_OPERATION_INVALID, "no such XML");
	return text;
}

EXPORT int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
	char *text = read_file(domain->folder, "state");
	int ignored;

	(void)flags;
	if (!text || sscanf(text, "%d %d", state, reason ? reason : &ignored) != 2) {
		free(text);
		fail(VIR_ERR_NO_DOMAIN, "Domain not found");
		return -1;
	}
	free(text);
	return 0;
}

EXPORT int virDomainIsActive(virDomainPtr domain)
{
	int state, reason;

	if (!domain->connection->is_alive) {
		fail(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
		return -1;
	}
	return virDomainGetState(domain, &state, &reason, 0) < 0 ? -1 : state != VIR_DOMAIN_SHUTOFF;
}

EXPORT int virDomainIsPersistent(virDomainPtr domain)
{
	char *text = read_file(domain->folder, "inactive.xml");
	gboolean is_persistent = text != NULL;

	free(text);
	return is_persistent;
}

EXPORT virDomainPtr virDomainDefineXMLFlags(virConnectPtr connection, const char *xml,
					    unsigned int flags)
{
	const char *start = strstr(xml, "<uuid>");
	g_autofree char *uuid = start ? g_strndup(start + strlen("<uuid>"), 36) : g_strdup("");
	virDomainPtr domain = find_domain(connection, uuid, FALSE);
	g_autofree char *path = domain ? g_build_filename(domain->folder, "inactive.xml", NULL) :
					 NULL;

	(void)flags;
	note("define %s", uuid);
	if (path)
		g_file_set_contents(path, xml, -1, NULL);
	return domain;
}

EXPORT int virDomainQemuMonitorCommand(virDomainPtr domain, const char *command, char **result,
				       unsigned int flags)
{
	(void)domain;
	(void)flags;
	note("monitor %s", command);
	*result = read_file(root(), "monitor");
	return *result ? 0 : -1;
}

/* Migration */

EXPORT int virDomainAbortJob(virDomainPtr domain)
{
	char *script = read_file(root(), "migrate");
	gboolean is_refused = script && g_str_has_prefix(script, "busy");

	free(script);
	if (!g_atomic_int_get(&is_migrating) || is_refused) {
		fail(VIR_ERR_OPERATION_INVALID, "no job is active on the domain");
		return -1;
	}
	note("abort %s", domain->name);
	g_atomic_int_set(&aborted, TRUE);
	return 0;
}

EXPORT int virDomainGetJobStats(virDomainPtr domain, int *type, virTypedParameterPtr *params,
				int *count, unsigned int flags)
{
	unsigned long long elapsed = (unsigned long long)(g_get_monotonic_time() - started) / 1000;
	int max = 0;

	(void)domain;
	(void)flags;
	*type = g_atomic_int_get(&is_migrating) ? VIR_DOMAIN_JOB_UNBOUNDED : VIR_DOMAIN_JOB_NONE;
	virTypedParamsAddULLong(params, count, &max, VIR_DOMAIN_JOB_TIME_ELAPSED, elapsed);
	virTypedParamsAddULLong(params, count, &max, VIR_DOMAIN_JOB_DATA_PROCESSED, 3 << 20);
	virTypedParamsAddULLong(params, count, &max, VIR_DOMAIN_JOB_DATA_REMAINING, 1 << 20);
	virTypedParamsAddULLong(params, count, &max, VIR_DOMAIN_JOB_MEMORY_BPS, 1 << 20);
	return 0;
}

static void note_migration(virDomainPtr domain, const char *uri, virTypedParameterPtr params,
			   unsigned int count, unsigned int flags)
{
	const char *migrate_uri = "";
	unsigned long long bandwidth = 0;

	virTypedParamsGetString(params, (int)count, VIR_MIGRATE_PARAM_URI, &migrate_uri);
	virTypedParamsGetULLong(params, (int)count, VIR_MIGRATE_PARAM_BANDWIDTH, &bandwidth);
	note("migrate %s %s live=%d p2p=%d persist=%d undefine=%d uri=%s bandwidth=%llu",
	     domain->name, uri, !!(flags & VIR_MIGRATE_LIVE), !!(flags & VIR_MIGRATE_PEER2PEER),
	     !!(flags & VIR_MIGRATE_PERSIST_DEST), !!(flags & VIR_MIGRATE_UNDEFINE_SOURCE),
	     migrate_uri, bandwidth);
}

EXPORT int virDomainMigrateToURI3(virDomainPtr domain, const char *uri,
				  virTypedParameterPtr params, unsigned int count,
				  unsigned int flags)
{
	char *script = read_file(root(), "migrate");
	g_auto(GStrv) words = g_strsplit(script ? script : "ok 0 ", " ", 3);
	gint64 end;

	free(script);
	started = g_get_monotonic_time();
	end = started + g_ascii_strtoll(words[1], NULL, 10) * 1000;
	g_atomic_int_set(&is_migrating, TRUE);
	note_migration(domain, uri, params, count, flags);
	while (!g_atomic_int_get(&aborted) && g_get_monotonic_time() < end)
		g_usleep(INTERVAL * 1000);
	g_atomic_int_set(&is_migrating, FALSE);
	if (g_atomic_int_get(&aborted)) {
		fail(VIR_ERR_OPERATION_ABORTED, "operation aborted: canceled by client");
		return -1;
	}
	domain->connection->is_alive = !g_str_equal(words[0], "lost");
	if (g_str_equal(words[0], "fail") || g_str_equal(words[0], "lost")) {
		fail(VIR_ERR_INTERNAL_ERROR, words[2]);
		return -1;
	}
	g_atomic_int_set(&is_completed, TRUE);
	return 0;
}

/* Events: what has changed is looked for, and told from the event loop. */

static void tell_states(virConnectPtr connection)
{
	g_auto(GStrv) uuids = list_folder(connection->folder, "domains");
	GString *states = g_string_new(NULL);

	for (guint i = 0; uuids[i]; i++) {
		g_autofree char *folder = g_build_filename(connection->folder, "domains", uuids[i],
							   NULL);
		char *state = read_file(folder, "state");

		g_string_append_printf(states, "%s %s\n", uuids[i], state ? state : "");
		free(state);
	}
	if (connection->states && !g_str_equal(connection->states, states->str))
		connection->lifecycle(connection, NULL, VIR_DOMAIN_EVENT_RESUMED,
				      VIR_DOMAIN_EVENT_RESUMED_MIGRATED,
				      connection->lifecycle_data);
	g_free(connection->states);
	connection->states = g_string_free(states, FALSE);
}

static void tell_completed(virConnectPtr connection)
{
	virTypedParameterPtr params = NULL;
	int count = 0, max = 0;

	if (!g_atomic_int_compare_and_exchange(&is_completed, TRUE, FALSE))
		return;
	virTypedParamsAddULLong(&params, &count, &max, VIR_DOMAIN_JOB_DOWNTIME_NET, 646);
	virTypedParamsAddULLong(&params, &count, &max, VIR_DOMAIN_JOB_DATA_PROCESSED, 4 << 20);
	connection->completed(connection, NULL, params, count, connection->completed_data);
	virTypedParamsFree(params, count);
}

static void on_timer(int timer, void *data)
{
	virConnectPtr connection = data;

	(void)timer;
	if (connection->lifecycle)
		tell_states(connection);
	if (connection->completed)
		tell_completed(connection);
}

EXPORT int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr domain,
					    int event,
					    virConnectDomainEventGenericCallback callback,
					    void *data, virFreeCallback clear)
{
	(void)domain;
	(void)clear;
	if (event == VIR_DOMAIN_EVENT_ID_LIFECYCLE) {
		memcpy(&connection->lifecycle, &callback, sizeof(callback));
		connection->lifecycle_data = data;
	} else {
		memcpy(&connection->completed, &callback, sizeof(callback));
		connection->completed_data = data;
	}
	return virEventAddTimeout(INTERVAL, on_timer, connection, NULL);
}

EXPORT int virConnectDomainEventDeregisterAny(virConnectPtr connection, int id)
{
	(void)connection;
	return virEventRemoveTimeout(id);
}
