/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SELinux: is vferry confined, and does everything have the label that this needs? */
#include "doctor.h"

#include "label.h"
#include "sysfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SELINUX "/sys/fs/selinux"
/* Of vferry_libvirt, which cannot be there without the other modules. */
#define OWN_BOOLEAN "vferry_libvirt_binds_vfs"
#define INSTALL "/usr/share/selinux/packages/vferry/policy install"

/* A file, and the type that it must have. */
typedef struct {
	const char *path;
	const char *type;
} Labelled;

/* The first follows the hook's link to wherever it was installed. */
static const Labelled files[] = {
	{ "/etc/libvirt/hooks/qemu.d/vferry", "vferry_hook_exec_t" },
	{ "/usr/libexec/vferry/vferry-provision", "vferry_provision_exec_t" },
	{ "/usr/libexec/vferry/vferry-arrival", "vferry_arrival_exec_t" },
	{ "/usr/libexec/vferry/vferry-modprobe", "vferry_modprobe_exec_t" },
	{ "/etc/vferry", "vferry_etc_t" },
	{ "/etc/vferry/vferry.conf", "vferry_etc_t" },
	{ "/run/vferry", "vferry_runtime_t" },
};

/* What Debian's policy asks of hosts that pass devices through; a policy may have no such. */
static const char *const booleans[] = { "virt_use_vfio", NULL };

static const char *const domains[] = {
	"vferry_hook_t", "vferry_provision_t", "vferry_arrival_t", "vferry_modprobe_t", NULL,
};

static void look_at_mode(Doctor *doctor)
{
	g_autofree char *enforce = vferry_sysfs_read(SELINUX, "enforce", NULL);

	if (g_strcmp0(enforce, "1") == 0) {
		report_add(doctor->report, REPORT_OK, "SELinux", "it is enforcing");
		return;
	}
	report_add(doctor->report, REPORT_WARNING, "SELinux",
		   "it is permissive: it logs, and keeps nobody from anything");
	report_advise(doctor->report, "setenforce 1, when its log names no program that you need");
}

static gboolean look_at_module(Doctor *doctor)
{
	if (access(SELINUX "/booleans/" OWN_BOOLEAN, F_OK) == 0) {
		report_add(doctor->report, REPORT_OK, "policy", "vferry's modules are loaded");
		return TRUE;
	}
	report_add(doctor->report, REPORT_WARNING, "policy", "vferry's modules are not there, or "
		   "are disabled: the hook may not run, or runs with all rights of libvirt");
	report_advise(doctor->report, "install vferry's SELinux policy, or semodule --enable vferry");
	return FALSE;
}

static void look_at_files(Doctor *doctor)
{
	guint wrong = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *type = vferry_label_type(files[i].path);

		if (!type || g_str_equal(type, files[i].type))
			continue;
		wrong++;
		report_add(doctor->report, REPORT_PROBLEM, "label", "%s has type %s, not %s",
			   files[i].path, type, files[i].type);
		report_advise(doctor->report, INSTALL " labels it");
	}
	if (!wrong)
		report_add(doctor->report, REPORT_OK, "label",
			   "programs, configuration and /run/vferry have theirs");
}

static void look_at_booleans(Doctor *doctor)
{
	for (const char *const *name = booleans; *name; name++) {
		g_autofree char *state = vferry_sysfs_read(SELINUX "/booleans", *name, NULL);

		/* The present value and the one that is pending. */
		if (!state || g_str_has_prefix(state, "1"))
			continue;
		report_add(doctor->report, REPORT_PROBLEM, *name,
			   "this boolean is off: no guest may open a VF");
		report_advise(doctor->report, "setsebool -P %s on", *name);
	}
}

/*
 * Asks the kernel for the decision about a domain and itself: its last word is 1 for a
 * permissive domain. Source: sel_write_access() of security/selinux/selinuxfs.c.
 */
static gboolean is_permissive(const char *domain)
{
	g_autofree char *process = vferry_sysfs_read(SELINUX "/class/process", "index", NULL);
	g_autofree char *context = g_strdup_printf("system_u:system_r:%s:s0", domain);
	g_autofree char *question =
		g_strdup_printf("%s %s %s", context, context, process ? process : "");
	int fd = open(SELINUX "/access", O_RDWR | O_CLOEXEC);
	char answer[128] = "";
	unsigned int flags = 0;

	if (fd < 0)
		return FALSE;
	if (write(fd, question, strlen(question)) < 0 ||
	    pread(fd, answer, sizeof(answer) - 1, 0) <= 0 ||
	    sscanf(answer, "%*x %*x %*x %*x %*u %x", &flags) != 1)
		flags = 0;
	close(fd);
	return flags & 1;
}

static void look_at_domains(Doctor *doctor)
{
	for (const char *const *domain = domains; *domain; domain++) {
		if (!is_permissive(*domain))
			continue;
		report_add(doctor->report, REPORT_WARNING, *domain,
			   "this domain is permissive: nothing keeps it from anything");
		report_advise(doctor->report, "semanage permissive -d %s", *domain);
	}
}

static gboolean has_label(const VferryAddress *device, const char *attribute, const char *wanted)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *path = g_build_filename(VFERRY_SYSFS_PCI_DEVICES,
						 vferry_address_text(device, name), attribute,
						 NULL);
	g_autofree char *type = vferry_label_type(path);

	return !type || g_str_equal(type, wanted);
}

static gboolean are_vfs_labelled(const VferryPf *pf)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		const VferryVf *vf = g_ptr_array_index(pf->vfs, i);

		if (!has_label(&vf->address, "driver_override", VFERRY_LABEL_VF))
			return FALSE;
	}
	return TRUE;
}

/* A device that was removed and comes back has lost its labels until it is provisioned. */
static void look_at_pf(Doctor *doctor, const VferryPf *pf)
{
	const VferryPfConfig *config = host_pf_config(doctor->host, pf);
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	if (!config->configured ||
	    (has_label(&pf->address, "sriov_numvfs", VFERRY_LABEL_PF) &&
	     (config->driver == VFERRY_CONFIG_DRIVER_KEEP || are_vfs_labelled(pf))))
		return;
	vferry_address_text(&pf->address, name);
	report_add(doctor->report, REPORT_WARNING, name,
		   "its attributes in /sys, or those of its VFs, have lost their SELinux label");
	report_advise(doctor->report, "systemctl restart vferry-provision");
}

void doctor_look_at_selinux(Doctor *doctor)
{
	if (access(SELINUX "/enforce", F_OK) != 0)
		return;
	look_at_mode(doctor);
	look_at_booleans(doctor);
	if (!look_at_module(doctor))
		return;
	look_at_files(doctor);
	look_at_domains(doctor);
	for (guint i = 0; i < doctor->inventory->pfs->len; i++)
		look_at_pf(doctor, g_ptr_array_index(doctor->inventory->pfs, i));
}
