/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio.h"

#include "error.h"
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define VFIO_CLASS "/sys/class/vfio"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DIR, closedir)

/* A character device under /dev/vfio. */
typedef struct {
	char *name;
	guint major;
	guint minor;
} Node;

static void node_clear(gpointer node)
{
	g_free(((Node *)node)->name);
}

static char *device_folder(const VferryAddress *vf)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	return g_build_filename(VFERRY_SYSFS_PCI_DEVICES, vferry_address_text(vf, name), NULL);
}

static gboolean is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

char *vferry_vfio_device(const VferryAddress *vf)
{
	g_autofree char *folder = device_folder(vf);
	g_autofree char *path = g_build_filename(folder, "vfio-dev", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name = NULL;

	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_prefix(name, "vfio") && is_number(name + strlen("vfio")))
			break;
	return g_strdup(name);
}

/* Adds the node @name whose number is in @folder/dev; no such file, no such node. */
static gboolean add_node(GArray *nodes, const char *name, const char *folder, GError **error)
{
	g_autoptr(GError) failure = NULL;
	g_autofree char *value = vferry_sysfs_read(folder, "dev", &failure);
	g_auto(GStrv) parts = value ? g_strsplit(value, ":", 2) : NULL;
	guint64 major_number, minor_number;
	Node node;

	if (g_error_matches(failure, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		return TRUE;
	if (failure) {
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	if (g_strv_length(parts) != 2 ||
	    !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT32, &major_number, NULL) ||
	    !g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXUINT32, &minor_number, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/dev: '%.40s' is no device number", folder, value);
		return FALSE;
	}
	node = (Node){ g_strdup(name), (guint)major_number, (guint)minor_number };
	g_array_append_val(nodes, node);
	return TRUE;
}

static gboolean add_group(GArray *nodes, const char *prefix, const char *group, GError **error)
{
	g_autofree char *name = g_strconcat(prefix, group, NULL);
	g_autofree char *folder = g_build_filename(VFIO_CLASS, name, NULL);

	return add_node(nodes, name, folder, error);
}

/* The nodes by which @vf, which is VFIO's @device, can be used. */
static GArray *find_nodes(const VferryAddress *vf, const char *device, GError **error)
{
	g_autoptr(GArray) nodes = g_array_new(FALSE, FALSE, sizeof(Node));
	g_autofree char *folder = device_folder(vf);
	g_autofree char *device_path = g_build_filename(folder, "vfio-dev", device, NULL);
	g_autofree char *group = vferry_sysfs_link(folder, "iommu_group");

	g_array_set_clear_func(nodes, node_clear);
	if (!add_node(nodes, device, device_path, error))
		return NULL;
	if (group && (!add_group(nodes, "", group, error) ||
		      !add_group(nodes, "noiommu-", group, error)))
		return NULL;
	if (!nodes->len) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "%s and %s name no node of %s: cannot tell whether it is in use",
			    device_path, VFIO_CLASS, device);
		return NULL;
	}
	return g_steal_pointer(&nodes);
}

/*
 * The name is looked at first, because that never waits; the number decides,
 * because anyone can have a file of that name. AT_STATX_DONT_SYNC: a file of
 * that name on a file system that does not answer shall not stop us.
 */
static gboolean is_node(int folder, const char *fd, const char *target, const GArray *nodes)
{
	g_autofree char *name = g_path_get_basename(target);
	struct statx file;

	for (guint i = 0; i < nodes->len; i++) {
		const Node *node = &g_array_index(nodes, Node, i);

		if (g_str_equal(name, node->name) &&
		    statx(folder, fd, AT_STATX_DONT_SYNC, STATX_TYPE, &file) == 0 &&
		    S_ISCHR(file.stx_mode) && file.stx_rdev_major == node->major &&
		    file.stx_rdev_minor == node->minor)
			return TRUE;
	}
	return FALSE;
}

/* @ret_number: why the process could not be looked at; it may end meanwhile, which is no error. */
static gboolean has_open(const char *pid, const GArray *nodes, int *ret_number)
{
	g_autofree char *path = g_build_filename("/proc", pid, "fd", NULL);
	g_autoptr(DIR) dir = opendir(path);
	char target[PATH_MAX];
	struct dirent *entry;
	ssize_t length;

	if (!dir) {
		*ret_number = errno == ENOENT || errno == ESRCH ? 0 : errno;
		return FALSE;
	}
	*ret_number = 0;
	while ((entry = readdir(dir))) {
		if (!is_number(entry->d_name))
			continue;
		length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (length < 0 && errno == EACCES)
			*ret_number = errno;
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (is_node(dirfd(dir), entry->d_name, target, nodes))
			return TRUE;
	}
	return FALSE;
}

/* As vferry_vfio_in_use(). One process that cannot be seen spoils only the answer no. */
static gboolean any_has_open(const GArray *nodes, pid_t *ret_user, GError **error)
{
	g_autoptr(DIR) proc = opendir("/proc");
	g_autofree char *unseen = NULL;
	int number = proc ? 0 : errno, unseen_number = number;
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		if (!is_number(entry->d_name))
			continue;
		if (has_open(entry->d_name, nodes, &number)) {
			if (ret_user)
				*ret_user = (pid_t)g_ascii_strtoll(entry->d_name, NULL, 10);
			return TRUE;
		}
		if (number && !unseen) {
			unseen = g_strdup(entry->d_name);
			unseen_number = number;
		}
	}
	if (unseen_number)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "reading /proc/%s%s: %s: cannot tell which VFIO devices are in use, "
			    "only root that may look at every process can",
			    unseen ? unseen : "", unseen ? "/fd" : "", g_strerror(unseen_number));
	return FALSE;
}

gboolean vferry_vfio_in_use(const VferryAddress *vf, pid_t *ret_user, GError **error)
{
	g_autofree char *device = vferry_vfio_device(vf);
	g_autoptr(GArray) nodes = NULL;

	if (!device)
		return FALSE;
	nodes = find_nodes(vf, device, error);
	return nodes && any_has_open(nodes, ret_user, error);
}
