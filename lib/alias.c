/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alias.h"

#include "error.h"
#include "module-name.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define FILE_MAX (8 * 1024 * 1024)

/* With the end of the line before: the first line is depmod's comment. */
#define ALIAS_START "\nalias vfio_pci:"

/* In the order of an alias; capital hexadecimal digits (do_pci_entry() in file2alias.c). */
static const struct {
	const char *name;
	guint digits;
} fields[] = {
	{ "v", 8 },	/* vendor */
	{ "d", 8 },	/* device */
	{ "sv", 8 },	/* subsystem vendor */
	{ "sd", 8 },	/* subsystem device */
	{ "bc", 2 },	/* base class */
	{ "sc", 2 },	/* subclass */
	{ "i", 2 },	/* programming interface */
};

#define N_FIELDS G_N_ELEMENTS(fields)

typedef struct {
	guint32 values[N_FIELDS];
	gboolean any[N_FIELDS];
	guint wildcards;
} Pattern;

typedef struct {
	Pattern pattern;
	char module[VFERRY_MODULE_NAME_SIZE];
} Alias;

struct VferryAliases {
	GArray *list;	/* Alias, in the file's order */
};

static gboolean take_number(const char **text, guint digits, guint32 *ret)
{
	guint32 value = 0;

	for (guint i = 0; i < digits; i++) {
		const char digit = (*text)[i];

		if (!g_ascii_isxdigit(digit) || g_ascii_islower(digit))
			return FALSE;
		value = value << 4 | (guint32)g_ascii_xdigit_value(digit);
	}
	*text += digits;
	*ret = value;
	return TRUE;
}

static gboolean take_field(const char **text, gsize field, Pattern *pattern)
{
	if (!g_str_has_prefix(*text, fields[field].name))
		return FALSE;
	*text += strlen(fields[field].name);
	if (**text != '*')
		return take_number(text, fields[field].digits, &pattern->values[field]);
	*text += 1;
	pattern->any[field] = TRUE;
	pattern->wildcards++;
	return TRUE;
}

static gboolean take_pattern(const char **text, Pattern *ret)
{
	*ret = (Pattern){ 0 };
	for (gsize i = 0; i < N_FIELDS; i++)
		if (!take_field(text, i, ret))
			return FALSE;
	return TRUE;
}

static gboolean parse_modalias(const char *modalias, Pattern *ret, GError **error)
{
	g_autofree char *shown = NULL;
	const char *rest = modalias;

	if (g_str_has_prefix(modalias, "pci:")) {
		rest += strlen("pci:");
		if (take_pattern(&rest, ret) && *rest == '\0' && ret->wildcards == 0)
			return TRUE;
	}
	shown = g_strescape(modalias, NULL);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "'%.80s' is no modalias of a PCI device like "
		    "pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00", shown);
	return FALSE;
}

static gboolean matches(const Pattern *pattern, const Pattern *device)
{
	for (gsize i = 0; i < N_FIELDS; i++)
		if (!pattern->any[i] && pattern->values[i] != device->values[i])
			return FALSE;
	return TRUE;
}

/* @text: what follows ALIAS_START, "v...i* module" and more lines */
static void add_alias(GArray *list, const char *text)
{
	Alias alias = { 0 };
	const char *end, *space;

	if (!take_pattern(&text, &alias.pattern) || !g_ascii_isspace(*text))
		return;
	end = strchrnul(text, '\n');
	space = memchr(text, ' ', (gsize)(end - text));
	if (!space || end - space > VFERRY_MODULE_NAME_SIZE)
		return;
	memcpy(alias.module, space + 1, (gsize)(end - space - 1));
	if (vferry_module_name_valid(alias.module))
		g_array_append_val(list, alias);
}

static char *read_file(const char *path, GError **error)
{
	g_autoptr(GError) problem = NULL;
	GStatBuf status;
	char *text;

	if (g_stat(path, &status) < 0) {
		g_set_error(error, VFERRY_ERROR,
			    errno == ENOENT ? VFERRY_ERROR_NOT_FOUND : VFERRY_ERROR_FAILED,
			    "reading %s: %s; 'depmod' makes it", path, g_strerror(errno));
		return NULL;
	}
	if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s is no file of at most 8 MiB; 'depmod' makes it", path);
		return NULL;
	}
	if (!g_file_get_contents(path, &text, NULL, &problem)) {
		g_set_error_literal(error, VFERRY_ERROR, VFERRY_ERROR_FAILED, problem->message);
		return NULL;
	}
	return text;
}

char *vferry_aliases_path(void)
{
	struct utsname name;

	uname(&name);
	return g_build_filename("/lib/modules", name.release, "modules.alias", NULL);
}

VferryAliases *vferry_aliases_load(const char *path, GError **error)
{
	g_autofree char *text = read_file(path, error);
	VferryAliases *aliases;

	if (!text)
		return NULL;
	aliases = g_new(VferryAliases, 1);
	aliases->list = g_array_new(FALSE, FALSE, sizeof(Alias));
	for (const char *rest = text; (rest = strstr(rest, ALIAS_START)); ) {
		rest += strlen(ALIAS_START);
		add_alias(aliases->list, rest);
	}
	return aliases;
}

void vferry_aliases_free(VferryAliases *aliases)
{
	g_array_unref(aliases->list);
	g_free(aliases);
}

const char *vferry_aliases_best(const VferryAliases *aliases, const char *modalias,
				GError **error)
{
	const Alias *best = NULL;
	Pattern device;

	if (!parse_modalias(modalias, &device, error))
		return NULL;
	for (guint i = 0; i < aliases->list->len; i++) {
		const Alias *alias = &g_array_index(aliases->list, Alias, i);

		if (best && alias->pattern.wildcards >= best->pattern.wildcards)
			continue;
		if (matches(&alias->pattern, &device))
			best = alias;
	}
	return best ? best->module : VFERRY_FALLBACK_MODULE;
}

static void add_once(GPtrArray *modules, const char *module)
{
	if (!g_ptr_array_find_with_equal_func(modules, module, g_str_equal, NULL))
		g_ptr_array_add(modules, g_strdup(module));
}

static void add_candidates(const VferryAliases *aliases, const Pattern *device, guint wildcards,
			   GPtrArray *modules)
{
	for (guint i = 0; i < aliases->list->len; i++) {
		const Alias *alias = &g_array_index(aliases->list, Alias, i);

		if (alias->pattern.wildcards == wildcards && matches(&alias->pattern, device))
			add_once(modules, alias->module);
	}
}

char **vferry_aliases_candidates(const VferryAliases *aliases, const char *modalias,
				 GError **error)
{
	g_autoptr(GPtrArray) modules = NULL;
	Pattern device;

	if (!parse_modalias(modalias, &device, error))
		return NULL;
	modules = g_ptr_array_new_with_free_func(g_free);
	for (guint wildcards = 0; wildcards <= N_FIELDS; wildcards++)
		add_candidates(aliases, &device, wildcards, modules);
	add_once(modules, VFERRY_FALLBACK_MODULE);
	g_ptr_array_add(modules, NULL);
	return (char **)g_ptr_array_steal(modules, NULL);
}
