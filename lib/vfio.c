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

/* A character device under /dev/vfio, by which the VF of that number can be used. */
typedef struct {
	char *name;
	guint major;
	guint minor;
	gsize vf;
} Node;

/* What is looked for, and what was found. */
typedef struct {
	GArray *nodes;
	pid_t *users;
	gsize unused;
} Search;

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
static gboolean add_node(GArray *nodes, gsize vf, const char *name, const char *folder,
			 GError **error)
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
	node = (Node){ g_strdup(name), (guint)major_number, (guint)minor_number, vf };
	g_array_append_val(nodes, node);
	return TRUE;
}

static gboolean add_group(GArray *nodes, gsize vf, const char *prefix, const char *group,
			  GError **error)
{
	g_autofree char *name = g_strconcat(prefix, group, NULL);
	g_autofree char *folder = g_build_filename(VFIO_CLASS, name, NULL);

	return add_node(nodes, vf, name, folder, error);
}

/* Adds the nodes by which @address can be used; none where no VFIO driver holds it. */
static gboolean add_nodes(GArray *nodes, gsize vf, const VferryAddress *address, GError **error)
{
	g_autofree char *device = vferry_vfio_device(address);
	g_autofree char *folder = NULL, *device_path = NULL, *group = NULL;
	const guint before = nodes->len;

	if (!device)
		return TRUE;
	folder = device_folder(address);
	device_path = g_build_filename(folder, "vfio-dev", device, NULL);
	group = vferry_sysfs_link(folder, "iommu_group");
	if (group && !add_group(nodes, vf, "", group, error))
		return FALSE;
	/* A group has the one name or the other. */
	if (group && nodes->len == before && !add_group(nodes, vf, "noiommu-", group, error))
		return FALSE;
	if (!add_node(nodes, vf, device, device_path, error))
		return FALSE;
	if (nodes->len == before) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "%s and %s name no node of %s: cannot tell whether it is in use",
			    device_path, VFIO_CLASS, device);
		return FALSE;
	}
	return TRUE;
}

/*
 * The name is looked at first, because that never waits; the number decides,
 * because anyone can have a file of that name. AT_STATX_DONT_SYNC: a file of
 * that name on a file system that does not answer shall not stop us.
 */
static gboolean is_node(int folder, const char *fd, const char *target, const Node *node)
{
	const char *slash = strrchr(target, '/');
	struct statx file;

	return g_str_equal(slash ? slash + 1 : target, node->name) &&
	       statx(folder, fd, AT_STATX_DONT_SYNC, STATX_TYPE, &file) == 0 &&
	       S_ISCHR(file.stx_mode) && file.stx_rdev_major == node->major &&
	       file.stx_rdev_minor == node->minor;
}

/* The process @pid has a file open that is @target. */
static void note_file(Search *search, int folder, const char *fd, const char *target, pid_t pid)
{
	for (guint i = 0; i < search->nodes->len; i++) {
		const Node *node = &g_array_index(search->nodes, Node, i);

		if (search->users[node->vf] || !is_node(folder, fd, target, node))
			continue;
		search->users[node->vf] = pid;
		search->unused--;
	}
}

/* Return: why the process could not be looked at, or 0; it may end meanwhile, which is no error. */
static int look_at(Search *search, const char *pid)
{
	g_autofree char *path = g_build_filename("/proc", pid, "fd", NULL);
	g_autoptr(DIR) dir = opendir(path);
	char target[PATH_MAX];
	struct dirent *entry;
	ssize_t length;
	int number = 0;

	if (!dir)
		return errno == ENOENT || errno == ESRCH ? 0 : errno;
	while (search->unused && (entry = readdir(dir))) {
		if (!is_number(entry->d_name))
			continue;
		length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (length < 0 && errno == EACCES)
			number = errno;
		if (length <= 0)
			continue;
		target[length] = '\0';
		note_file(search, dirfd(dir), entry->d_name, target,
			  (pid_t)g_ascii_strtoll(pid, NULL, 10));
	}
	return number;
}

/* One process that cannot be seen spoils only the answer that there is none. */
static gboolean look_at_all(Search *search, GError **error)
{
	g_autoptr(DIR) proc = opendir("/proc");
	g_autofree char *unseen = NULL;
	int unseen_number = proc ? 0 : errno;
	struct dirent *entry;

	while (proc && search->unused && (entry = readdir(proc))) {
		int number = is_number(entry->d_name) ? look_at(search, entry->d_name) : 0;

		if (!number || unseen)
			continue;
		unseen = g_strdup(entry->d_name);
		unseen_number = number;
	}
	if (!search->unused || !unseen_number)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
		    "reading /proc/%s%s: %s: cannot tell which VFIO devices are in use, "
		    "only root that may look at every process can",
		    unseen ? unseen : "", unseen ? "/fd" : "", g_strerror(unseen_number));
	return FALSE;
}

gboolean vferry_vfio_users(const VferryAddress *vfs, gsize n, pid_t *ret_users, GError **error)
{
	g_autoptr(GArray) nodes = g_array_new(FALSE, FALSE, sizeof(Node));
	Search search = { nodes, ret_users, 0 };

	g_array_set_clear_func(nodes, node_clear);
	for (gsize i = 0; i < n; i++) {
		const guint before = nodes->len;

		ret_users[i] = 0;
		if (!add_nodes(nodes, i, &vfs[i], error))
			return FALSE;
		search.unused += nodes->len > before;
	}
	return !search.unused || look_at_all(&search, error);
}

gboolean vferry_vfio_in_use(const VferryAddress *vf, pid_t *ret_user, GError **error)
{
	pid_t user;

	if (!vferry_vfio_users(vf, 1, &user, error) || !user)
		return FALSE;
	if (ret_user)
		*ret_user = user;
	return TRUE;
}
