/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "provision.h"

#include "bounded.h"
#include "claims.h"
#include "devlink.h"
#include "error.h"
#include "inventory.h"
#include "label.h"
#include "provision-vf.h"
#include "sysfs.h"
#include "vf-user.h"
#include "vfio.h"

#include <fcntl.h>
#include <string.h>

/* For the kernel to make or remove VFs, and for another process to provision a PF. */
#define LIMIT_MS 120000

#define LOCKS_FOLDER VFERRY_RUN_FOLDER "/provision"

/* A PF at work. */
typedef struct {
	const VferryAddress *address;
	VferryPf *pf;		/* as last read */
	VferryProvisionPlan plan;
	GHashTable *done;	/* addresses of VFs */
	VferryProvision *result;
} Work;

const char *vferry_provision_outcome_text(VferryProvisionOutcome outcome)
{
	static const char *const texts[] = {
		[VFERRY_PROVISION_BOUND] = "bound",
		[VFERRY_PROVISION_KEPT] = "kept",
		[VFERRY_PROVISION_IN_USE] = "in use",
		[VFERRY_PROVISION_FAILED] = "failed",
	};

	return texts[outcome];
}

void vferry_provision_free(VferryProvision *provision)
{
	if (!provision)
		return;
	g_free(provision->problem);
	g_ptr_array_unref(provision->vfs);
	g_free(provision);
}

gboolean vferry_provision_is_good(const VferryProvision *provision)
{
	return !provision->problem && !provision->outcomes[VFERRY_PROVISION_IN_USE] &&
	       !provision->outcomes[VFERRY_PROVISION_FAILED];
}

static VferryProvision *provision_new(const VferryAddress *pf)
{
	VferryProvision *provision = g_new0(VferryProvision, 1);

	provision->pf = *pf;
	provision->vfs =
		g_ptr_array_new_with_free_func((GDestroyNotify)vferry_provision_vf_free);
	return provision;
}

static void work_clear(Work *work)
{
	g_clear_pointer(&work->pf, vferry_pf_free);
	vferry_provision_plan_clear(&work->plan);
	g_clear_pointer(&work->done, g_hash_table_unref);
	g_clear_pointer(&work->result, vferry_provision_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

static gboolean is_dry(const Work *work)
{
	return (work->plan.flags & VFERRY_PROVISION_DRY_RUN) != 0;
}

static void add_problem(Work *work, const char *problem)
{
	char *present = work->result->problem;

	/* Each look at the PF may find it anew. */
	if (present && strstr(present, problem))
		return;
	work->result->problem = present ? g_strdup_printf("%s; %s", present, problem) :
					  g_strdup(problem);
	g_free(present);
}

static char *attribute_path(const Work *work, const char *attribute)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	return g_build_filename(VFERRY_SYSFS_PCI_DEVICES,
				vferry_address_text(work->address, name), attribute, NULL);
}

static gboolean check_outcome(int number, const char *doing, const char *path, GError **error)
{
	if (!number)
		return TRUE;
	if (number == VFERRY_BOUNDED_LATE)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
			    "%s %s: no answer from the kernel in %d s: something holds the device, "
			    "see the kernel's log", doing, path, LIMIT_MS / 1000);
	else
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, "%s %s: %s", doing, path,
			    number == VFERRY_BOUNDED_KILLED ? "the child that does it was killed" :
							      g_strerror(number));
	return FALSE;
}

static gboolean write_number(const Work *work, const char *attribute, guint number, GError **error)
{
	g_autofree char *path = attribute_path(work, attribute);
	g_autofree char *value = g_strdup_printf("%u", number);
	g_autofree char *doing = g_strdup_printf("writing %s to", value);

	return check_outcome(vferry_bounded_write(path, value, LIMIT_MS), doing, path, error);
}

/* The kernel answers when nobody makes or removes VFs: it takes the lock that they hold. */
static gboolean read_numvfs(const Work *work, guint *ret, GError **error)
{
	g_autofree char *path = attribute_path(work, "sriov_numvfs");
	char value[VFERRY_BOUNDED_VALUE_SIZE];
	guint64 number;

	if (!check_outcome(vferry_bounded_read(path, value, LIMIT_MS), "reading", path, error))
		return FALSE;
	if (!g_ascii_string_to_unsigned(g_strchomp(value), 10, 0, G_MAXUINT16, &number, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID, "%s is no number of VFs",
			    path);
		return FALSE;
	}
	*ret = (guint)number;
	return TRUE;
}

static gboolean read_pf(Work *work, GError **error)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	VferryPf *pf = vferry_pf_read(work->address, problems, error);

	if (!pf)
		return FALSE;
	g_clear_pointer(&work->pf, vferry_pf_free);
	work->pf = pf;
	for (guint i = 0; work->result && i < problems->len; i++)
		add_problem(work, g_ptr_array_index(problems, i));
	return TRUE;
}

/* Return: for each VF a process that has it open, or 0; NULL where it cannot be told. */
static pid_t *find_processes(const GPtrArray *vfs, GError **error)
{
	g_autofree VferryAddress *addresses = g_new(VferryAddress, vfs->len + 1);
	g_autofree pid_t *processes = g_new(pid_t, vfs->len + 1);

	for (guint i = 0; i < vfs->len; i++)
		addresses[i] = ((const VferryVf *)g_ptr_array_index(vfs, i))->address;
	if (!vferry_vfio_users(addresses, vfs->len, processes, error))
		return NULL;
	return g_steal_pointer(&processes);
}

static gboolean check_vfs_unused(const Work *work, GPtrArray *claims, GError **error)
{
	const GPtrArray *vfs = work->pf->vfs;
	g_autofree pid_t *processes = find_processes(vfs, error);

	for (guint i = 0; processes && i < vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(vfs, i);
		const VferryClaim *claim = vferry_provision_claim_on(claims, &vf->address);
		g_autofree char *user = vferry_vf_user_with(vf, claim, processes[i]);
		char name[VFERRY_ADDRESS_TEXT_SIZE];

		if (!user)
			continue;
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY, "VF %s is in use: %s",
			    vferry_address_text(&vf->address, name), user);
		return FALSE;
	}
	return processes != NULL;
}

/* The lock ends with the VFs: those that are made then are nobody's yet. */
static gboolean remove_vfs(Work *work, GError **error)
{
	g_autoptr(VferryClaims) lock = NULL;
	g_autoptr(GPtrArray) claims = NULL;

	if (is_dry(work))
		return check_vfs_unused(work, work->plan.claims, error);
	lock = vferry_claims_open(VFERRY_CLAIMS_FOLDER, VFERRY_PROVISION_CLAIMS_MS, error);
	claims = lock ? vferry_claims_list(lock, error) : NULL;
	return claims && read_pf(work, error) && check_vfs_unused(work, claims, error) &&
	       write_number(work, "sriov_numvfs", 0, error);
}

static gboolean make_vfs(const Work *work, guint number, GError **error)
{
	guint present;

	if (is_dry(work) || number == 0)
		return TRUE;
	if (!write_number(work, "sriov_numvfs", number, error)) {
		g_prefix_error(error, "the PF's driver %s does not make VFs: ", work->pf->driver);
		return FALSE;
	}
	if (!read_numvfs(work, &present, error) || present == number)
		return present == number;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
		    "there are %u now: someone else makes VFs, too", present);
	return FALSE;
}

static gboolean check_possible(const Work *work, guint number, GError **error)
{
	if (!work->pf->driver)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "the PF has no driver to make VFs: load it");
	else if (number > work->pf->sriov_totalvfs)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "the PF can have no more than %u", work->pf->sriov_totalvfs);
	else
		return TRUE;
	return FALSE;
}

/* Guests are defined with those that were present: where others cannot be made, they come back. */
static gboolean change_number(Work *work, guint present, guint number, GError **error)
{
	if (!check_possible(work, number, error) || (present > 0 && !remove_vfs(work, error)))
		return FALSE;
	if (make_vfs(work, number, error))
		return TRUE;
	make_vfs(work, present, NULL);
	return FALSE;
}

/* What comes later is bound by us. A PF with driver=keep stays with the kernel's way. */
static gboolean stop_autoprobe(const Work *work, GError **error)
{
	if (is_dry(work) || work->plan.config->driver == VFERRY_CONFIG_DRIVER_KEEP ||
	    !work->pf->drivers_autoprobe)
		return TRUE;
	return write_number(work, "sriov_drivers_autoprobe", 0, error);
}

static void set_number(Work *work)
{
	const VferryPfConfig *config = work->plan.config;
	VferryProvision *result = work->result;
	g_autoptr(GError) failure = NULL;
	g_autofree char *text = NULL;

	if (config->vfs == VFERRY_CONFIG_VFS_UNSET ||
	    work->plan.flags & VFERRY_PROVISION_BIND_ONLY ||
	    result->vfs_before == (guint)config->vfs)
		return;
	if (change_number(work, result->vfs_before, (guint)config->vfs, &failure)) {
		result->vfs_after = (guint)config->vfs;
		return;
	}
	if (!read_numvfs(work, &result->vfs_after, NULL))
		result->vfs_after = 0;
	text = g_strdup_printf("%u VFs instead of vfs=%d (%s): %s", result->vfs_after, config->vfs,
			       config->from[VFERRY_PF_KEY_VFS], failure->message);
	add_problem(work, text);
}

/* Where devlink fails, guests on the VFs may not migrate, but have them. */
static void read_migratable(Work *work)
{
	g_autoptr(GError) failure = NULL;

	g_clear_pointer(&work->plan.migratable, g_array_unref);
	work->plan.migratable = vferry_devlink_migratable_list(work->address, &failure);
	if (work->plan.migratable)
		return;
	work->plan.migratable = g_array_new(FALSE, FALSE, sizeof(VferryDevlinkVf));
	add_problem(work, failure->message);
}

static void provision_vf(Work *work, const VferryVf *vf)
{
	VferryProvisionVf *result = vferry_provision_vf(&work->plan, vf);

	g_hash_table_add(work->done, g_memdup2(&vf->address, sizeof(vf->address)));
	if (!result)
		return;
	g_ptr_array_add(work->result->vfs, result);
	work->result->outcomes[result->outcome]++;
}

/* Before they are bound, and once more when all are: their drivers may be new. */
static void label_vfs(Work *work)
{
	g_autoptr(GError) failure = NULL;
	const gboolean ours = work->plan.config->driver != VFERRY_CONFIG_DRIVER_KEEP;

	if (!is_dry(work) && !vferry_label_vfs(work->pf, ours, &failure))
		add_problem(work, failure->message);
}

/* Return: was there any that is not done yet? */
static gboolean provision_new_vfs(Work *work)
{
	g_autoptr(GError) failure = NULL;
	gboolean any = FALSE;

	if (!read_pf(work, &failure)) {
		add_problem(work, failure->message);
		return FALSE;
	}
	label_vfs(work);
	for (guint i = 0; i < work->pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(work->pf->vfs, i);

		if (g_hash_table_contains(work->done, &vf->address))
			continue;
		if (!any)
			read_migratable(work);
		any = TRUE;
		provision_vf(work, vf);
	}
	return any;
}

/* In a dry run VFs that would be removed need no driver. */
static void provision_vfs(Work *work)
{
	if (is_dry(work) && work->result->vfs_after != work->result->vfs_before)
		return;
	while (provision_new_vfs(work) && !is_dry(work))
		;
}

/* The file stays: whoever waits for the lock has it open. */
static int lock_pf(const VferryAddress *pf, GError **error)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	int above_fd = vferry_run_make_folder(AT_FDCWD, VFERRY_RUN_FOLDER, VFERRY_RUN_FOLDER,
					      error);
	int folder_fd = above_fd < 0 ? -1 :
			vferry_run_make_folder(above_fd, "provision", LOCKS_FOLDER, error);
	int lock_fd = folder_fd < 0 ? -1 :
		      vferry_run_lock(folder_fd, LOCKS_FOLDER, vferry_address_text(pf, name),
				      LIMIT_MS, error);

	vferry_run_close(folder_fd);
	vferry_run_close(above_fd);
	return lock_fd;
}

static gboolean plan(Work *work, VferryConfig *config, GError **error)
{
	const VferryPf *pf = work->pf;
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	work->plan.config = vferry_config_for_pf(config, &pf->address, pf->interfaces, pf->vendor,
						 pf->device);
	if (work->plan.config->configured)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
		    "no section of the configuration is about the PF %s: see vferry.conf(5)",
		    vferry_address_text(&pf->address, name));
	return FALSE;
}

static gboolean label_pf(const Work *work, GError **error)
{
	return is_dry(work) || vferry_label_pf(work->pf, error);
}

/* With the PF's lock held, or in a dry run. */
static gboolean provision(Work *work, GError **error)
{
	work->result = provision_new(work->address);
	work->done = g_hash_table_new_full(vferry_address_hash, vferry_address_equal, g_free,
					   NULL);
	if (!read_pf(work, error) || !label_pf(work, error) || !stop_autoprobe(work, error) ||
	    !read_numvfs(work, &work->result->vfs_before, error))
		return FALSE;
	work->result->vfs_after = work->result->vfs_before;
	set_number(work);
	provision_vfs(work);
	return TRUE;
}

VferryProvision *vferry_provision_pf(VferryConfig *config, const VferryAliases *aliases,
				     const VferryAddress *pf, VferryProvisionFlags flags,
				     GError **error)
{
	g_auto(Work) work = { .address = pf, .plan = { .aliases = aliases, .flags = flags } };
	gboolean good;
	int lock_fd;

	if (!read_pf(&work, error) || !plan(&work, config, error))
		return NULL;
	if (flags & VFERRY_PROVISION_DRY_RUN) {
		work.plan.claims = vferry_claims_snapshot(VFERRY_CLAIMS_FOLDER, error);
		if (!work.plan.claims || !provision(&work, error))
			return NULL;
		return g_steal_pointer(&work.result);
	}
	lock_fd = lock_pf(pf, error);
	if (lock_fd < 0)
		return NULL;
	good = provision(&work, error);
	vferry_run_close(lock_fd);
	return good ? g_steal_pointer(&work.result) : NULL;
}
