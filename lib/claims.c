/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claims.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOCK "lock"
/* One is enough: only the lock's holder writes. */
#define TEMPORARY ".new"

/* @known: all VferryClaim, in no order, once they were read: only the lock's holder writes */
struct VferryClaims {
	char *folder;
	int above_fd;
	int folder_fd;
	int lock_fd;
	GPtrArray *known;
};

VferryClaims *vferry_claims_open(const char *folder, int timeout_ms, GError **error)
{
	g_autoptr(VferryClaims) claims = g_new0(VferryClaims, 1);
	g_autofree char *above = NULL, *name = NULL;

	claims->above_fd = claims->folder_fd = claims->lock_fd = -1;
	claims->folder = g_canonicalize_filename(folder, NULL);
	above = g_path_get_dirname(claims->folder);
	name = g_path_get_basename(claims->folder);

	claims->above_fd = vferry_run_make_folder(AT_FDCWD, above, above, error);
	if (claims->above_fd < 0)
		return NULL;
	claims->lock_fd = vferry_run_lock(claims->above_fd, above, LOCK, timeout_ms, error);
	if (claims->lock_fd < 0)
		return NULL;
	claims->folder_fd = vferry_run_make_folder(claims->above_fd, name, claims->folder, error);
	if (claims->folder_fd < 0)
		return NULL;
	/* A killed process may have left one; if it cannot be removed, a put says so. */
	unlinkat(claims->folder_fd, TEMPORARY, 0);
	return g_steal_pointer(&claims);
}

void vferry_claims_close(VferryClaims *claims)
{
	if (!claims)
		return;
	vferry_run_close(claims->folder_fd);
	vferry_run_close(claims->above_fd);
	vferry_run_close(claims->lock_fd);
	g_clear_pointer(&claims->known, g_ptr_array_unref);
	g_free(claims->folder);
	g_free(claims);
}

/* What the file says; NULL with VFERRY_ERROR_NOT_FOUND where there is none. */
static VferryClaim *read_claim(int folder_fd, const char *folder, const VferryAddress *address,
			       GError **error)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	g_autofree char *text = NULL;
	VferryClaim *claim;
	gsize length;

	text = vferry_run_read(folder_fd, folder, vferry_address_text(address, name),
			       VFERRY_CLAIM_TEXT_MAX, &length, error);
	if (!text)
		return NULL;
	claim = vferry_claim_parse(address, text, length, error);
	if (!claim)
		g_prefix_error(error, "%s/%s: ", folder, name);
	return claim;
}

/* As read_claim(), with the error as the claim's problem; NULL only where there is none. */
static VferryClaim *claim_at(int folder_fd, const char *folder, const VferryAddress *address)
{
	g_autoptr(GError) error = NULL;
	VferryClaim *claim = read_claim(folder_fd, folder, address, &error);

	if (claim || g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		return claim;
	return vferry_claim_new_problem(address, error->message);
}

static int by_address(gconstpointer left, gconstpointer right)
{
	const VferryClaim *const *a = left, *const *b = right;

	return vferry_address_compare(&(*a)->address, &(*b)->address);
}

static GPtrArray *read_all(int folder_fd, const char *folder, GError **error)
{
	g_autoptr(GPtrArray) all =
		g_ptr_array_new_with_free_func((GDestroyNotify)vferry_claim_free);
	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	VferryAddress address;
	VferryClaim *claim;
	int number;

	if (!stream) {
		vferry_run_set_error(error, errno, "reading the folder", folder, NULL);
		vferry_run_close(fd);
		return NULL;
	}
	for (errno = 0; (entry = readdir(stream)); errno = 0) {
		if (!vferry_address_parse(entry->d_name, &address, NULL))
			continue;
		claim = claim_at(folder_fd, folder, &address);
		if (claim)
			g_ptr_array_add(all, claim);
	}
	number = errno;
	closedir(stream);
	if (number) {
		vferry_run_set_error(error, number, "reading the folder", folder, NULL);
		return NULL;
	}
	g_ptr_array_sort(all, by_address);
	return g_steal_pointer(&all);
}

/* Return: whether it is known, and where. */
static gboolean find(const VferryClaims *claims, const VferryAddress *address, guint *ret)
{
	for (guint i = 0; i < claims->known->len; i++) {
		const VferryClaim *claim = claims->known->pdata[i];

		if (!vferry_address_equal(&claim->address, address))
			continue;
		*ret = i;
		return TRUE;
	}
	return FALSE;
}

/* @text: of the claim there now; NULL for none */
static void note(VferryClaims *claims, const VferryAddress *address, const char *text)
{
	VferryClaim *claim = NULL;
	guint i;

	if (!claims->known)
		return;
	if (find(claims, address, &i))
		g_ptr_array_remove_index_fast(claims->known, i);
	if (text)
		claim = vferry_claim_parse(address, text, strlen(text), NULL);
	if (claim)
		g_ptr_array_add(claims->known, claim);
}

VferryClaim *vferry_claims_lookup(VferryClaims *claims, const VferryAddress *address)
{
	guint i;

	if (!claims->known)
		return claim_at(claims->folder_fd, claims->folder, address);
	return find(claims, address, &i) ? vferry_claim_ref(claims->known->pdata[i]) : NULL;
}

static gpointer another_ref(gconstpointer claim, gpointer data G_GNUC_UNUSED)
{
	return vferry_claim_ref((VferryClaim *)claim);
}

GPtrArray *vferry_claims_list(VferryClaims *claims, GError **error)
{
	GPtrArray *all;

	if (!claims->known)
		claims->known = read_all(claims->folder_fd, claims->folder, error);
	if (!claims->known)
		return NULL;
	all = g_ptr_array_copy(claims->known, another_ref, NULL);
	g_ptr_array_sort(all, by_address);
	return all;
}

static void set_blocked(GError **error, const VferryClaim *claim)
{
	char address[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&claim->address, address);
	if (claim->problem)
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "nobody can tell whose VF %s is: %s; if no domain has it, "
			    "remove that file", address, claim->problem);
	else
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
			    "VF %s is claimed by domain '%s' (%s, %s)", address, claim->name,
			    claim->uuid, vferry_claim_purpose_text(claim->purpose));
}

static gboolean write_all(int fd, const char *text)
{
	gsize left = strlen(text);

	while (left > 0) {
		ssize_t written = write(fd, text, left);

		if (written < 0)
			return FALSE;
		text += written;
		left -= (gsize)written;
	}
	return TRUE;
}

/*
 * The name is free or ours, the new file is there as a whole or not at all.
 * Nothing is synced: a tmpfs has nowhere to.
 */
static gboolean replace_file(VferryClaims *claims, const char *name, const char *text,
			     GError **error)
{
	int fd = openat(claims->folder_fd, TEMPORARY,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	gboolean written;
	int number;

	if (fd < 0) {
		vferry_run_set_error(error, errno, "making", claims->folder, TEMPORARY);
		return FALSE;
	}
	written = write_all(fd, text);
	number = errno;
	close(fd);
	if (written && renameat(claims->folder_fd, TEMPORARY, claims->folder_fd, name) == 0)
		return TRUE;
	if (written)
		number = errno;
	unlinkat(claims->folder_fd, TEMPORARY, 0);
	vferry_run_set_error(error, number, "writing", claims->folder, name);
	return FALSE;
}

gboolean vferry_claims_put(VferryClaims *claims, const VferryClaim *claim, GError **error)
{
	g_autoptr(VferryClaim) earlier = vferry_claims_lookup(claims, &claim->address);
	g_autofree char *text = vferry_claim_text(claim, earlier, error);
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	if (!text)
		return FALSE;
	if (vferry_claim_blocks(earlier, claim->uuid)) {
		set_blocked(error, earlier);
		return FALSE;
	}
	if (!replace_file(claims, vferry_address_text(&claim->address, name), text, error))
		return FALSE;
	note(claims, &claim->address, text);
	return TRUE;
}

gboolean vferry_claims_remove(VferryClaims *claims, const VferryAddress *address, const char *uuid,
			      GError **error)
{
	g_autoptr(VferryClaim) claim = vferry_claims_lookup(claims, address);
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	if (!claim) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "nobody has claimed VF %s", vferry_address_text(address, text));
		return FALSE;
	}
	if (vferry_claim_blocks(claim, uuid)) {
		set_blocked(error, claim);
		return FALSE;
	}
	if (unlinkat(claims->folder_fd, vferry_address_text(address, text), 0) < 0) {
		vferry_run_set_error(error, errno, "removing", claims->folder, text);
		return FALSE;
	}
	note(claims, address, NULL);
	return TRUE;
}

GPtrArray *vferry_claims_snapshot(const char *folder, GError **error)
{
	g_autoptr(GError) local = NULL;
	int fd = vferry_run_open_folder(AT_FDCWD, folder, folder, &local);
	GPtrArray *all;

	if (fd < 0 && g_error_matches(local, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		return g_ptr_array_new();
	if (fd < 0) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	all = read_all(fd, folder, error);
	close(fd);
	return all;
}
