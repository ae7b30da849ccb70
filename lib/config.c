/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GKeyFile knows no line numbers and takes the last of two equal keys without a
 * word. What finds both beside it has to read every line by itself, and two readers
 * may disagree: so there is one, below.
 */
#include "config.h"

#include "config-file.h"
#include "config-keys.h"
#include "error.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define LOWERCASE_HEX "0123456789abcdef"
#define PF_PREFIX "pf "

typedef struct {
	char *value;	/* checked; NULL where the section has no such key */
	char *from;	/* FILE:LINE */
	guint file;	/* number of the file in the order of reading */
} Entry;

typedef struct {
	char *heading;	/* "host" or "pf NAME" */
	const VferryConfigKind *kind;
	Entry *entries;	/* one for each key of the kind */
} Section;

struct VferryConfig {
	GHashTable *sections;	/* by heading */
	GPtrArray *pfs;		/* each VferryPfConfig that was given out */
	VferryHostConfig host;
	guint files;
};

/* Where the reader is. */
typedef struct {
	VferryConfig *config;
	const char *file;
	guint line;
	Section *section;	/* NULL before the first */
} Reader;

/* Memory */

static void section_free(gpointer data)
{
	Section *section = data;

	for (guint i = 0; i < section->kind->key_count; i++) {
		g_free(section->entries[i].value);
		g_free(section->entries[i].from);
	}
	g_free(section->entries);
	g_free(section->heading);
	g_free(section);
}

static Section *section_new(const char *heading, const VferryConfigKind *kind)
{
	Section *section = g_new0(Section, 1);

	section->heading = g_strdup(heading);
	section->kind = kind;
	section->entries = g_new0(Entry, kind->key_count);
	return section;
}

VferryConfig *vferry_config_new(void)
{
	VferryConfig *config = g_new0(VferryConfig, 1);

	config->sections = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, section_free);
	config->pfs = g_ptr_array_new_with_free_func(g_free);
	return config;
}

void vferry_config_free(VferryConfig *config)
{
	if (!config)
		return;
	g_hash_table_unref(config->sections);
	g_ptr_array_unref(config->pfs);
	g_free(config);
}

/* Reading text */

G_GNUC_PRINTF(3, 4)
static gboolean invalid(const Reader *reader, GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID, "%s:%u: %s", reader->file,
		    reader->line, what);
	return FALSE;
}

static gboolean is_vendor_device(const char *name)
{
	return strlen(name) == 9 && strspn(name, LOWERCASE_HEX) == 4 && name[4] == ':' &&
	       strspn(name + 5, LOWERCASE_HEX) == 4;
}

/* What the kernel takes (dev_valid_name()), without the brackets of a heading. */
static gboolean is_interface(const char *name)
{
	return name[0] && strlen(name) < IFNAMSIZ && !strpbrk(name, "/: \t[]") &&
	       !g_str_equal(name, ".") && !g_str_equal(name, "..");
}

static const VferryConfigKind *kind_of_heading(const char *heading)
{
	VferryAddress address;
	const char *name;

	if (g_str_equal(heading, "host"))
		return &vferry_config_host_kind;
	if (!g_str_has_prefix(heading, PF_PREFIX))
		return NULL;
	name = heading + strlen(PF_PREFIX);
	if (vferry_address_parse(name, &address, NULL) || is_vendor_device(name) ||
	    is_interface(name))
		return &vferry_config_pf_kind;
	return NULL;
}

/* A section has one spelling only, so the heading is what it is found by. */
static gboolean read_heading(Reader *reader, const char *line, GError **error)
{
	GHashTable *sections = reader->config->sections;
	gboolean closed = g_str_has_suffix(line, "]");
	g_autofree char *heading = g_strndup(line + 1, strlen(line + 1) - closed);
	const VferryConfigKind *kind = closed ? kind_of_heading(heading) : NULL;

	if (!kind)
		return invalid(reader, error, "'%.40s' is no section; write [host], "
			       "[pf 0000:01:00.0] for an address, [pf enp1s0f0] for an interface "
			       "or [pf 8086:10c9] for vendor:device, hex digits in lowercase",
			       line);
	reader->section = g_hash_table_lookup(sections, heading);
	if (!reader->section) {
		reader->section = section_new(heading, kind);
		g_hash_table_insert(sections, reader->section->heading, reader->section);
	}
	return TRUE;
}

static gboolean unknown_key(const Reader *reader, const char *name, GError **error)
{
	const VferryConfigKind *kind = reader->section->kind;
	g_autoptr(GString) names = g_string_new(kind->keys[0].name);

	for (guint i = 1; i < kind->key_count; i++)
		g_string_append_printf(names, ", %s", kind->keys[i].name);
	return invalid(reader, error, "'%.40s' is no key of a [%s] section; its keys are %s", name,
		       kind->name, names->str);
}

static gboolean set_entry(const Reader *reader, guint index, const char *value, GError **error)
{
	const VferryConfigKey *key = &reader->section->kind->keys[index];
	Entry *entry = &reader->section->entries[index];
	union {
		VferryPfConfig pf;
		VferryHostConfig host;
	} ignored;

	if (entry->value && entry->file == reader->config->files)
		return invalid(reader, error, "%s is in [%s] already, at %s; remove one of them",
			       key->name, reader->section->heading, entry->from);
	if (!key->set(&ignored, value))
		return invalid(reader, error, "%s=%.40s is not possible; give %s", key->name, value,
			       key->give);
	g_free(entry->value);
	g_free(entry->from);
	entry->value = g_strdup(value);
	entry->from = g_strdup_printf("%s:%u", reader->file, reader->line);
	entry->file = reader->config->files;
	return TRUE;
}

static gboolean read_key(const Reader *reader, char *line, GError **error)
{
	char *value = strchr(line, '=');

	if (!value)
		return invalid(reader, error, "'%.40s' is no section, key=value or comment; "
			       "write it as one of them", line);
	if (!reader->section)
		return invalid(reader, error, "'%.40s' stands before the first section; put a line "
			       "like [pf enp1s0f0] or [host] before it", line);
	*value++ = '\0';
	g_strchomp(line);
	g_strchug(value);
	for (guint i = 0; i < reader->section->kind->key_count; i++)
		if (g_str_equal(line, reader->section->kind->keys[i].name))
			return set_entry(reader, i, value, error);
	return unknown_key(reader, line, error);
}

static gboolean is_printable(const char *line)
{
	while (g_ascii_isprint(*line) || *line == '\t')
		line++;
	return *line == '\0';
}

static gboolean read_line(Reader *reader, char *line, GError **error)
{
	g_strstrip(line);
	if (*line == '\0' || *line == '#')
		return TRUE;
	if (!is_printable(line))
		return invalid(reader, error, "a character that is not printable ASCII; only "
			       "comments may hold such, remove it");
	if (*line == '[')
		return read_heading(reader, line, error);
	return read_key(reader, line, error);
}

static gboolean read_lines(Reader *reader, char *text, GError **error)
{
	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		reader->line++;
		if (!read_line(reader, line, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean check_utf8(Reader *reader, const char *text, gsize length, GError **error)
{
	const char *end;

	if (g_utf8_validate_len(text, length, &end))
		return TRUE;
	reader->line = 1;
	for (const char *at = text; at < end; at++)
		reader->line += *at == '\n';
	return invalid(reader, error, "bytes that are no UTF-8 text; save the file as UTF-8");
}

gboolean vferry_config_parse(VferryConfig *config, const char *file, const char *text,
			     gsize length, GError **error)
{
	Reader reader = { .config = config, .file = file };
	g_autofree char *copy = NULL;

	if (!check_utf8(&reader, text, length, error))
		return FALSE;
	config->files++;
	copy = g_strndup(text, length);
	return read_lines(&reader, copy, error);
}

/* Loading */

static gboolean load_file(VferryConfig *config, const char *path, GError **error)
{
	g_autofree char *text = NULL;
	gsize length;

	if (!vferry_config_file_read(path, &text, &length, error))
		return FALSE;
	return !text || vferry_config_parse(config, path, text, length, error);
}

VferryConfig *vferry_config_load(const char *file, const char *folder, GError **error)
{
	g_autoptr(VferryConfig) config = vferry_config_new();
	g_autoptr(GPtrArray) paths = NULL;

	if (!load_file(config, file, error))
		return NULL;
	paths = vferry_config_file_list(folder, error);
	if (!paths)
		return NULL;
	for (guint i = 0; i < paths->len; i++)
		if (!load_file(config, g_ptr_array_index(paths, i), error))
			return NULL;
	return g_steal_pointer(&config);
}

/* Use */

static void section_apply(const Section *section, gpointer ret, const char **from)
{
	for (guint i = 0; i < section->kind->key_count; i++) {
		const Entry *entry = &section->entries[i];

		if (!entry->value)
			continue;
		section->kind->keys[i].set(ret, entry->value);
		from[i] = entry->from;
	}
}

static void apply_pf_section(const VferryConfig *config, const char *name, VferryPfConfig *pf)
{
	g_autofree char *heading = g_strconcat(PF_PREFIX, name, NULL);
	const Section *section = g_hash_table_lookup(config->sections, heading);

	if (!section)
		return;
	pf->configured = TRUE;
	section_apply(section, pf, pf->from);
}

static int compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Sorted, for the kernel lists them in no order that an administrator could know. */
static void apply_interfaces(const VferryConfig *config, char **interfaces, VferryPfConfig *pf)
{
	guint count = g_strv_length(interfaces);
	g_autofree char **sorted = g_memdup2(interfaces, count * sizeof(*interfaces));

	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), compare_names);
	for (guint i = 0; i < count; i++)
		apply_pf_section(config, sorted[i], pf);
}

const VferryPfConfig *vferry_config_for_pf(VferryConfig *config, const VferryAddress *address,
					   char **interfaces, guint16 vendor, guint16 device)
{
	g_autofree char *vendor_device = g_strdup_printf("%04x:%04x", vendor, device);
	VferryPfConfig *pf = g_memdup2(&vferry_config_pf_defaults, sizeof(*pf));
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	g_ptr_array_add(config->pfs, pf);
	/* What is applied later is more specific. */
	apply_pf_section(config, vendor_device, pf);
	if (interfaces)
		apply_interfaces(config, interfaces, pf);
	apply_pf_section(config, vferry_address_text(address, text), pf);
	return pf;
}

char **vferry_config_pf_sections(const VferryConfig *config)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter sections;
	gpointer heading;

	g_hash_table_iter_init(&sections, config->sections);
	while (g_hash_table_iter_next(&sections, &heading, NULL))
		if (g_str_has_prefix(heading, PF_PREFIX))
			g_ptr_array_add(names, g_strdup((char *)heading + strlen(PF_PREFIX)));
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_steal(names, NULL);
}

const VferryHostConfig *vferry_config_host(VferryConfig *config)
{
	const Section *section = g_hash_table_lookup(config->sections, "host");

	config->host = vferry_config_host_defaults;
	if (section)
		section_apply(section, &config->host, config->host.from);
	return &config->host;
}

const char *vferry_config_pf_key_name(VferryPfKey key)
{
	return vferry_config_pf_kind.keys[key].name;
}

const char *vferry_config_host_key_name(VferryHostKey key)
{
	return vferry_config_host_kind.keys[key].name;
}
