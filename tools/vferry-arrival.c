/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vferry-arrival: what is to be done on a host when a guest has arrived, and libvirt
 * calls no hook: switches have to learn where its MACs are now, and its persistent
 * definition needs this host's VFs.
 *
 * vferry-arrival.path starts it when there is a file in /run/vferry/arrivals, and it
 * ends when there is none. A file goes when all is done, so whenever this is killed
 * the next start goes on.
 */
#include "arrival-announce.h"
#include "arrival-definition.h"
#include "arrival-folder.h"
#include "config.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Seconds for libvirt to accept the connection; SIGALRM ends us then. */
#define CONNECT_LIMIT 60

/* Seconds without an answer from libvirt after which it is taken to be dead: 6 times 5. */
#define KEEPALIVE_INTERVAL 5
#define KEEPALIVE_COUNT 6

/* Milliseconds between two looks, should an event get lost. */
#define LOOK_INTERVAL 5000

/* Seconds after which a migration that neither ends nor fails is given up. */
#define ARRIVAL_LIMIT (24 * 60 * 60)

/* Frames for each MAC, as many as QEMU sends for its own NICs, and milliseconds between. */
#define ANNOUNCE_COUNT 5
#define ANNOUNCE_INTERVAL 200

/* Guest - one that is on its way; @announced: frames sent so far for each VF */
typedef struct {
	char uuid[VIR_UUID_STRING_BUFLEN];
	gint64 deadline;
	gboolean arrived;
	guint announced;
	gint64 next;
} Guest;

typedef struct {
	const char *folder;
	gboolean announce;
	virConnectPtr connection;
	GHashTable *guests;	/* Guest, by uuid */
	int timer;
	gboolean lost;		/* libvirt closed the connection */
} Arrival;

/* systemd's journal takes standard error, with the priority in front (sd-daemon(3)). */
static void complain(const char *text)
{
	g_printerr("<4>%s\n", text);
}

static void complain_all(const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++)
		complain(g_ptr_array_index(problems, i));
}

/* One guest */

typedef enum {
	STATE_COMING,
	STATE_ARRIVED,
	STATE_GONE,
} State;

static State judge_state(virDomainPtr domain)
{
	int state = VIR_DOMAIN_NOSTATE, reason = 0;

	if (virDomainIsActive(domain) <= 0 || virDomainGetState(domain, &state, &reason, 0) < 0)
		return STATE_GONE;
	if (state == VIR_DOMAIN_PAUSED && (reason == VIR_DOMAIN_PAUSED_MIGRATION ||
					   reason == VIR_DOMAIN_PAUSED_STARTING_UP))
		return STATE_COMING;
	/* Running; or paused for another reason, as it was on the host it came from. */
	return state == VIR_DOMAIN_SHUTOFF ? STATE_COMING : STATE_ARRIVED;
}

static void announce(virDomainPtr domain)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(VferryDomain) live = NULL;
	g_autoptr(GError) error = NULL;
	char *text = virDomainGetXMLDesc(domain, 0);

	live = text ? vferry_domain_parse(text, strlen(text), &error) : NULL;
	free(text);
	if (live)
		arrival_announce(live, problems);
	else if (error)
		g_ptr_array_add(problems, g_strdup(error->message));
	complain_all(problems);
}

static void correct(const Arrival *arrival, virDomainPtr domain)
{
	g_autoptr(GError) error = NULL;
	const char *name = virDomainGetName(domain);
	guint changed = 0;

	if (virDomainIsPersistent(domain) <= 0)
		return;
	if (!arrival_definition_correct(arrival->connection, domain, &changed, &error)) {
		g_prefix_error(&error, "domain '%s': its definition is not corrected: ", name);
		complain(error->message);
	} else if (changed > 0) {
		g_printerr("<6>domain '%s': its definition has %u of this host's VFs now\n", name,
			   changed);
	}
}

/* Called again and again, it sends the frames in their time; FALSE when all were sent. */
static gboolean announce_next(const Arrival *arrival, Guest *guest, virDomainPtr domain)
{
	gint64 now = g_get_monotonic_time();

	if (guest->announced == ANNOUNCE_COUNT)
		return FALSE;
	if (now < guest->next)
		return TRUE;
	if (arrival->announce)
		announce(domain);
	guest->announced++;
	guest->next = now + ANNOUNCE_INTERVAL * 1000;
	return TRUE;
}

/*
 * The definition is corrected as soon as the guest is here, and again a second later:
 * libvirt makes a domain persistent at about the time when it resumes it.
 *
 * Return: TRUE when nothing more is to be done.
 */
static gboolean look_at_domain(const Arrival *arrival, Guest *guest, virDomainPtr domain)
{
	State state = guest->arrived ? STATE_ARRIVED : judge_state(domain);
	gboolean is_first = !guest->arrived;

	if (state == STATE_GONE)
		return TRUE;
	if (state == STATE_COMING) {
		if (g_get_monotonic_time() < guest->deadline)
			return FALSE;
		g_printerr("<4>domain '%s': its migration does not end; not waiting any more\n",
			   virDomainGetName(domain));
		return TRUE;
	}
	guest->arrived = TRUE;
	if (announce_next(arrival, guest, domain)) {
		if (is_first)
			correct(arrival, domain);
		return FALSE;
	}
	correct(arrival, domain);
	return TRUE;
}

static gboolean look_at_guest(const Arrival *arrival, Guest *guest)
{
	g_autoptr(virDomain) domain = virDomainLookupByUUIDString(arrival->connection,
								  guest->uuid);

	return !domain || look_at_domain(arrival, guest, domain);
}

/* All guests */

static void add_guest(Arrival *arrival, const ArrivalFile *file)
{
	Guest *guest;

	if (g_hash_table_contains(arrival->guests, file->uuid))
		return;
	guest = g_new0(Guest, 1);
	g_strlcpy(guest->uuid, file->uuid, sizeof(guest->uuid));
	guest->deadline = g_get_monotonic_time() +
			  (ARRIVAL_LIMIT - CLAMP(file->age, 0, ARRIVAL_LIMIT)) * G_USEC_PER_SEC;
	g_hash_table_insert(arrival->guests, guest->uuid, guest);
}

static gboolean read_folder(Arrival *arrival, GError **error)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) files = arrival_folder_list(arrival->folder, problems, error);

	complain_all(problems);
	for (guint i = 0; files && i < files->len; i++)
		add_guest(arrival, &g_array_index(files, ArrivalFile, i));
	return files != NULL;
}

static gboolean look_at_all(Arrival *arrival, GError **error)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, arrival->guests);
	while (!arrival->lost && g_hash_table_iter_next(&iter, NULL, &value)) {
		const Guest *guest = value;

		if (!look_at_guest(arrival, value) || arrival->lost)
			continue;
		/* What failed because libvirt has gone is not done. */
		if (virConnectIsAlive(arrival->connection) <= 0)
			break;
		if (!arrival_folder_remove(arrival->folder, guest->uuid, error))
			return FALSE;
		g_hash_table_iter_remove(&iter);
	}
	return TRUE;
}

static int next_look(const Arrival *arrival)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, arrival->guests);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((const Guest *)value)->arrived)
			return ANNOUNCE_INTERVAL;
	return LOOK_INTERVAL;
}

/* Events: each only ends virEventRunDefaultImpl(), after which all are looked at. */

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
			void *data)
{
	(void)connection;
	(void)domain;
	(void)event;
	(void)detail;
	(void)data;
	return 0;
}

static void on_timer(int timer, void *data)
{
	(void)timer;
	(void)data;
}

static void on_folder(int watch, int fd, int events, void *data)
{
	char buffer[4096];

	(void)watch;
	(void)events;
	(void)data;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
}

static void on_close(virConnectPtr connection, int reason, void *data)
{
	Arrival *arrival = data;

	(void)connection;
	(void)reason;
	arrival->lost = TRUE;
}

static gboolean watch_folder(const Arrival *arrival, GError **error)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, arrival->folder, IN_CREATE | IN_MOVED_TO) >= 0 &&
	    virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_folder, NULL, NULL) >= 0)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "%s: cannot be watched",
		    arrival->folder);
	if (fd >= 0)
		close(fd);
	return FALSE;
}

static gboolean listen_to_libvirt(Arrival *arrival, const char *uri, GError **error)
{
	alarm(CONNECT_LIMIT);
	arrival->connection = connection_open(uri, FALSE, error);
	alarm(0);
	if (!arrival->connection)
		return FALSE;
	/* A driver without keep-alive or close events is inside this process. */
	virConnectSetKeepAlive(arrival->connection, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT);
	virConnectRegisterCloseCallback(arrival->connection, on_close, arrival, NULL);
	if (virConnectDomainEventRegisterAny(arrival->connection, NULL,
					     VIR_DOMAIN_EVENT_ID_LIFECYCLE,
					     VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), NULL,
					     NULL) >= 0)
		return TRUE;
	connection_set_error(error, "asking libvirt for its events");
	return FALSE;
}

static gboolean serve(Arrival *arrival, GError **error)
{
	arrival->timer = virEventAddTimeout(LOOK_INTERVAL, on_timer, NULL, NULL);
	for (;;) {
		if (!read_folder(arrival, error) || !look_at_all(arrival, error))
			return FALSE;
		if (arrival->lost) {
			g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
				    "libvirt has closed the connection");
			return FALSE;
		}
		if (g_hash_table_size(arrival->guests) == 0)
			return TRUE;
		virEventUpdateTimeout(arrival->timer, next_look(arrival));
		if (virEventRunDefaultImpl() < 0) {
			connection_set_error(error, "waiting for libvirt");
			return FALSE;
		}
	}
}

/* A configuration that cannot be used keeps nobody from correcting definitions. */
static gboolean wants_announcements(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(VferryConfig) config = vferry_config_load(VFERRY_CONFIG_FILE,
							    VFERRY_CONFIG_FOLDER, &error);

	if (config)
		return vferry_config_host(config)->announce;
	complain(error->message);
	return TRUE;
}

static gboolean run(int argc, char **argv, GError **error)
{
	g_autofree char *uri = NULL;
	g_autofree char *folder = NULL;
	const GOptionEntry entries[] = {
		{ "connect", 'c', 0, G_OPTION_ARG_STRING, &uri,
		  "libvirt; qemu:///system unless given", "URI" },
		{ "folder", 0, 0, G_OPTION_ARG_FILENAME, &folder,
		  "Where the files are; " VFERRY_ARRIVALS_FOLDER " unless given", "FOLDER" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GHashTable) guests = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	Arrival arrival = { .guests = guests };
	gboolean ok;

	g_option_context_set_summary(context, "Finish what is to be done for guests that have "
				     "migrated to this host. Started by vferry-arrival.path.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	arrival.folder = folder ? folder : VFERRY_ARRIVALS_FOLDER;
	if (!read_folder(&arrival, error))
		return FALSE;
	if (g_hash_table_size(guests) == 0)
		return TRUE;
	arrival.announce = wants_announcements();
	virInitialize();
	virEventRegisterDefaultImpl();
	ok = watch_folder(&arrival, error) && listen_to_libvirt(&arrival, uri, error) &&
	     serve(&arrival, error);
	if (arrival.connection)
		virConnectClose(arrival.connection);
	return ok;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;

	g_set_prgname("vferry-arrival");
	if (run(argc, argv, &error))
		return EXIT_SUCCESS;
	g_printerr("<3>%s\n", error->message);
	return EXIT_FAILURE;
}
