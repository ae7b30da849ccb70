/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include "journal-entry.h"

#include <stdio.h>
#include <unistd.h>

/* In one write: processes for several PFs write at the same time. */
static void send_to_stderr(const char *message)
{
	g_autofree char *line = g_strdup_printf("%s: %s\n", g_get_prgname(), message);
	const gssize length = (gssize)strlen(line);

	if (write(STDERR_FILENO, line, (gsize)length) != length)
		return;
}

void vferry_report_line(int priority, const char *device, const char *format, ...)
{
	g_autofree char *text = NULL, *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	message = device ? g_strdup_printf("%s: %s", device, text) : g_steal_pointer(&text);
	if (g_log_writer_is_journald(STDERR_FILENO))
		vferry_journal_entry(priority, g_get_prgname(), device, message);
	else
		send_to_stderr(message);
}

static const VferryProvisionVf *vf_at(const VferryProvision *provision, guint i)
{
	return g_ptr_array_index(provision->vfs, i);
}

/* "7 bound to igbvf_vfio_pci", and the same for each other driver. */
static char *list_bound(const VferryProvision *provision)
{
	g_autoptr(GHashTable) counts = g_hash_table_new(g_str_hash, g_str_equal);
	GString *text = g_string_new(NULL);
	GHashTableIter drivers;
	gpointer driver, count;

	for (guint i = 0; i < provision->vfs->len; i++) {
		const VferryProvisionVf *vf = vf_at(provision, i);

		if (vf->outcome != VFERRY_PROVISION_BOUND)
			continue;
		count = g_hash_table_lookup(counts, vf->driver);
		g_hash_table_insert(counts, vf->driver,
				    GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
	}
	g_hash_table_iter_init(&drivers, counts);
	while (g_hash_table_iter_next(&drivers, &driver, &count))
		g_string_append_printf(text, ", %u bound to %s", GPOINTER_TO_UINT(count),
				       (char *)driver);
	return g_string_free(text, FALSE);
}

static char *list_others(const VferryProvision *provision)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(provision->outcomes); i++)
		if (i != VFERRY_PROVISION_BOUND && provision->outcomes[i])
			g_string_append_printf(text, ", %u %s", provision->outcomes[i],
					       vferry_provision_outcome_text(i));
	return g_string_free(text, FALSE);
}

/* A line for each run of VFs of which the same is to be said. */
static void report_vfs(const VferryProvision *provision, int priority, const char *what,
		       const char *(*about)(const VferryProvisionVf *vf))
{
	for (guint i = 0, next; i < provision->vfs->len; i = next) {
		const char *text = about(vf_at(provision, i));
		g_autofree char *more = NULL;
		char name[VFERRY_ADDRESS_TEXT_SIZE];

		for (next = i + 1; next < provision->vfs->len; next++)
			if (g_strcmp0(about(vf_at(provision, next)), text) != 0)
				break;
		if (!text)
			continue;
		if (next - i > 1)
			more = g_strdup_printf(" (and %u VFs after it)", next - i - 1);
		vferry_report_line(priority, vferry_address_text(&vf_at(provision, i)->address, name),
				   "%s%s: %s", what, more ? more : "", text);
	}
}

static const char *in_use(const VferryProvisionVf *vf)
{
	return vf->outcome == VFERRY_PROVISION_IN_USE ? vf->problem : NULL;
}

static const char *failure(const VferryProvisionVf *vf)
{
	return vf->outcome == VFERRY_PROVISION_FAILED ? vf->problem : NULL;
}

/* Said once, when the VF is bound. */
static const char *reason(const VferryProvisionVf *vf)
{
	return vf->outcome == VFERRY_PROVISION_BOUND ? vf->reason : NULL;
}

void vferry_report_done(const VferryProvision *provision, gint64 milliseconds)
{
	g_autofree char *bound = list_bound(provision);
	g_autofree char *others = list_others(provision);
	gboolean idle = vferry_provision_is_good(provision) &&
			provision->vfs_before == provision->vfs_after &&
			!provision->outcomes[VFERRY_PROVISION_BOUND];
	char pf[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&provision->pf, pf);
	vferry_report_line(idle ? LOG_DEBUG : LOG_INFO, pf,
			   "%u VFs, %u before%s%s, in %" G_GINT64_FORMAT " ms",
			   provision->vfs_after, provision->vfs_before, bound, others,
			   milliseconds);
	if (provision->problem)
		vferry_report_line(LOG_ERR, pf, "%s", provision->problem);
	report_vfs(provision, LOG_WARNING, "left alone", in_use);
	report_vfs(provision, LOG_ERR, "failed", failure);
	report_vfs(provision, LOG_NOTICE, "guests will not migrate", reason);
}

void vferry_report_foreseen(const VferryProvision *provision)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	printf("%s: %u VFs", vferry_address_text(&provision->pf, name), provision->vfs_before);
	if (provision->vfs_after != provision->vfs_before)
		printf(", would get %u", provision->vfs_after);
	printf("\n");
	if (provision->problem)
		printf("  problem: %s\n", provision->problem);
	for (guint i = 0; i < provision->vfs->len; i++) {
		const VferryProvisionVf *vf = vf_at(provision, i);

		printf("  %s: %s %s%s%s\n", vferry_address_text(&vf->address, name),
		       vf->outcome == VFERRY_PROVISION_BOUND ?
			       "would bind to" : vferry_provision_outcome_text(vf->outcome),
		       vf->driver ? vf->driver : "(no driver)", vf->problem ? ": " : "",
		       vf->problem ? vf->problem : "");
	}
}
