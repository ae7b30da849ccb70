/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domains.h"

#include "domain-xml.h"
#include "error.h"
#include "pools.h"

#include <stdlib.h>
#include <string.h>

static void domain_free(Domain *domain)
{
	g_free(domain->name);
	g_array_unref(domain->live);
	g_array_unref(domain->config);
	g_array_unref(domain->managed);
	g_free(domain);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Domain, domain_free)

void domains_free(Domains *domains)
{
	g_hash_table_unref(domains->users);
	g_ptr_array_unref(domains->all);
	g_ptr_array_unref(domains->pools);
	g_ptr_array_unref(domains->problems);
	g_free(domains);
}

static Domains *domains_new(void)
{
	Domains *domains = g_new0(Domains, 1);

	domains->all = g_ptr_array_new_with_free_func((GDestroyNotify)domain_free);
	domains->pools = g_ptr_array_new_with_free_func(g_free);
	domains->problems = g_ptr_array_new_with_free_func(g_free);
	domains->users = g_hash_table_new(vferry_address_hash, vferry_address_equal);
	return domains;
}

/* The functions that a domain names, now or at its next start; @managed may be NULL. */
static gboolean read_addresses(virDomainPtr handle, guint flags, GArray *addresses,
			       GArray *managed, GError **error)
{
	char *text = virDomainGetXMLDesc(handle, flags);
	g_autoptr(VferryDomain) domain = NULL;

	if (!text) {
		connection_set_error(error, "reading its XML");
		return FALSE;
	}
	domain = vferry_domain_parse(text, strlen(text), error);
	free(text);
	if (!domain)
		return FALSE;
	for (guint i = 0; i < domain->devices->len; i++) {
		const VferryDomainDevice *device = g_ptr_array_index(domain->devices, i);

		if (!device->has_source)
			continue;
		g_array_append_val(addresses, device->source);
		if (managed && device->managed)
			g_array_append_val(managed, device->source);
	}
	return TRUE;
}

static gboolean read_state(virDomainPtr handle, Domain *domain, GError **error)
{
	int persistent = virDomainIsPersistent(handle);

	if (persistent < 0 || virDomainGetState(handle, &domain->state, NULL, 0) < 0 ||
	    virDomainGetUUIDString(handle, domain->uuid) < 0) {
		connection_set_error(error, "reading its state");
		return FALSE;
	}
	domain->persistent = persistent > 0;
	domain->active = domain->state != VIR_DOMAIN_SHUTOFF;
	return TRUE;
}

static Domain *read_domain(virDomainPtr handle, GError **error)
{
	g_autoptr(Domain) domain = g_new0(Domain, 1);
	const char *name = virDomainGetName(handle);

	domain->name = g_strdup(name ? name : "");
	domain->live = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	domain->config = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	domain->managed = g_array_new(FALSE, FALSE, sizeof(VferryAddress));
	if (read_state(handle, domain, error) &&
	    (!domain->active || read_addresses(handle, 0, domain->live, NULL, error)) &&
	    (!domain->persistent ||
	     read_addresses(handle, VIR_DOMAIN_XML_INACTIVE, domain->config, domain->managed,
			    error)))
		return g_steal_pointer(&domain);
	return NULL;
}

static void add_domain(Domains *domains, virDomainPtr handle)
{
	g_autoptr(GError) error = NULL;
	Domain *domain = read_domain(handle, &error);
	const char *name = virDomainGetName(handle);

	if (!domain) {
		if (!g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
			g_ptr_array_add(domains->problems,
					g_strdup_printf("domain '%s': %s", name ? name : "",
							error->message));
		return;
	}
	g_ptr_array_add(domains->all, domain);
	for (guint i = 0; i < domain->live->len; i++)
		g_hash_table_insert(domains->users,
				    &g_array_index(domain->live, VferryAddress, i), domain);
}

static int by_name(gconstpointer left, gconstpointer right)
{
	const Domain *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

Domains *domains_read(virConnectPtr connection, gboolean pools, GError **error)
{
	g_autoptr(Domains) domains = domains_new();
	virDomainPtr *handles = NULL;
	int count = virConnectListAllDomains(connection, &handles, 0);

	if (count < 0 || virConnectGetLibVersion(connection, &domains->libvirt) < 0) {
		connection_set_error(error, "listing domains");
		return NULL;
	}
	for (int i = 0; i < count; i++) {
		add_domain(domains, handles[i]);
		virDomainFree(handles[i]);
	}
	free(handles);
	g_ptr_array_sort(domains->all, by_name);
	if (pools)
		pools_read(connection, domains->pools);
	return g_steal_pointer(&domains);
}

/*
 * A question to libvirt, asked in a thread, because nothing else bounds how long
 * libvirt takes to connect. Whoever of the two comes last frees it.
 */
typedef struct {
	gatomicrefcount references;
	GMutex lock;		/* protects what follows */
	GCond answered;
	gboolean done;
	Domains *domains;
	GError *error;
	char *uri;
	gboolean pools;
} Question;

static void question_unref(Question *question)
{
	if (!g_atomic_ref_count_dec(&question->references))
		return;
	g_clear_pointer(&question->domains, domains_free);
	g_clear_error(&question->error);
	g_mutex_clear(&question->lock);
	g_cond_clear(&question->answered);
	g_free(question->uri);
	g_free(question);
}

static gpointer ask(gpointer data)
{
	Question *question = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(virConnect) connection = connection_open(question->uri, TRUE, &error);
	Domains *domains = connection ? domains_read(connection, question->pools, &error) :
				     NULL;

	g_mutex_lock(&question->lock);
	question->domains = domains;
	question->error = g_steal_pointer(&error);
	question->done = TRUE;
	g_cond_signal(&question->answered);
	g_mutex_unlock(&question->lock);
	question_unref(question);
	return NULL;
}

/* @ret_done: the thread has nothing more to wait for */
static Domains *await_answer(Question *question, guint limit, gboolean *ret_done, GError **error)
{
	gint64 end = g_get_monotonic_time() + (gint64)limit * G_TIME_SPAN_MILLISECOND;
	Domains *domains;

	g_mutex_lock(&question->lock);
	while (!question->done && g_cond_wait_until(&question->answered, &question->lock, end))
		;
	*ret_done = question->done;
	domains = g_steal_pointer(&question->domains);
	if (question->error)
		g_propagate_error(error, g_steal_pointer(&question->error));
	else if (!domains)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
			    "libvirt has not answered for %u ms", limit);
	g_mutex_unlock(&question->lock);
	return domains;
}

Domains *domains_open(const char *uri, gboolean pools, guint limit, GError **error)
{
	Question *question = g_new0(Question, 1);
	gboolean done;
	GThread *thread;
	Domains *domains;

	g_atomic_ref_count_init(&question->references);
	g_atomic_ref_count_inc(&question->references);
	g_mutex_init(&question->lock);
	g_cond_init(&question->answered);
	question->uri = g_strdup(uri);
	question->pools = pools;
	thread = g_thread_new("libvirt", ask, question);
	domains = await_answer(question, limit, &done, error);
	question_unref(question);
	if (done)
		g_thread_join(thread);
	else
		g_thread_unref(thread);
	return domains;
}

const Domain *domains_user(const Domains *domains, const VferryAddress *address)
{
	return g_hash_table_lookup(domains->users, address);
}

const Domain *domains_find(const Domains *domains, const char *uuid_or_name)
{
	for (guint i = 0; i < domains->all->len; i++) {
		const Domain *domain = g_ptr_array_index(domains->all, i);

		if (g_ascii_strcasecmp(domain->uuid, uuid_or_name) == 0)
			return domain;
	}
	for (guint i = 0; i < domains->all->len; i++) {
		const Domain *domain = g_ptr_array_index(domains->all, i);

		if (g_str_equal(domain->name, uuid_or_name))
			return domain;
	}
	return NULL;
}
