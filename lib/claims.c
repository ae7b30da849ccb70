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

struct VferryClaims {
	char *folder;
	int above_fd;
	int folder_fd;
	int lock_fd;
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
	g_free(claims->folder);
	g_free(claims);
}

/* Without O_NONBLOCK a FIFO would hold us up before we see what it is. */
static int open_claim(int folder_fd, const char *folder, const char *name, GError **error)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0) {
		vferry_run_set_error(error, errno, "opening", folder, name);
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    !vferry_run_is_ours(&status, S_IWGRP | S_IWOTH)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/%s is no plain file of root that no one else may write", folder,
			    name);
		close(fd);
		return -1;
	}
	return fd;
}

/* What the file says; NULL with VFERRY_ERROR_NOT_FOUND where there is none. */
static VferryClaim *read_claim(int folder_fd, const char *folder, const VferryAddress *address,
			       GError **error)
{
	g_autofree char *text = g_malloc(VFERRY_CLAIM_TEXT_MAX + 1);
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	VferryClaim *claim;
	ssize_t length;
	int fd, number;

	fd = open_claim(folder_fd, folder, vferry_address_text(address, name), error);
	if (fd < 0)
		return NULL;
	length = read(fd, text, VFERRY_CLAIM_TEXT_MAX + 1);
	number = errno;
	close(fd);
	if (length < 0) {
		vferry_run_set_error(error, number, "reading", folder, name);
		return NULL;
	}
	claim = vferry_claim_parse(address, text, (gsize)length, error);
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

VferryClaim *vferry_claims_lookup(VferryClaims *claims, const VferryAddress *address)
{
	return claim_at(claims->folder_fd, claims->folder, address);
}

GPtrArray *vferry_claims_list(VferryClaims *claims, GError **error)
{
	return read_all(claims->folder_fd, claims->folder, error);
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
	return replace_file(claims, vferry_address_text(&claim->address, name), text, error);
}

static gboolean drop(VferryClaims *claims, const VferryClaim *claim, GError **error)
{
	char name[VFERRY_ADDRESS_TEXT_SIZE];

	vferry_address_text(&claim->address, name);
	if (unlinkat(claims->folder_fd, name, 0) == 0)
		return TRUE;
	vferry_run_set_error(error, errno, "removing", claims->folder, name);
	return FALSE;
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
	return drop(claims, claim, error);
}

gboolean vferry_claims_remove_all_of(VferryClaims *claims, const char *uuid, GError **error)
{
	g_autoptr(GPtrArray) all = vferry_claims_list(claims, error);

	for (guint i = 0; all && i < all->len; i++) {
		const VferryClaim *claim = g_ptr_array_index(all, i);

		if (!vferry_claim_blocks(claim, uuid) && !drop(claims, claim, error))
			return FALSE;
	}
	return all != NULL;
}

gboolean vferry_claims_expire(VferryClaims *claims, const VferryInstant *now, GError **error)
{
	g_autoptr(GPtrArray) all = vferry_claims_list(claims, error);

	for (guint i = 0; all && i < all->len; i++) {
		const VferryClaim *claim = g_ptr_array_index(all, i);

		if (vferry_claim_expired(claim, now) && !drop(claims, claim, error))
			return FALSE;
	}
	return all != NULL;
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
