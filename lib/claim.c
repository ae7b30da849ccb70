/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "claim.h"

#include "claim-identity.h"
#include "driver-name.h"
#include "error.h"
#include "sysfs.h"

#include <string.h>
#include <time.h>

#define GROUP "claim"
#define KEY_UUID "uuid"
#define KEY_NAME "name"
#define KEY_PURPOSE "purpose"
#define KEY_BOOT "boot"
#define KEY_CREATED "created"
#define KEY_LIFETIME "lifetime"
#define KEY_DRIVER "driver-before"
#define KEY_DRIVER_OVERRIDE "driver-override-before"
#define KEY_BOUND_BY_US "bound-by-us"
#define KEY_FORGET "forget-guest"
#define KEY_FAILOVER "failover"
#define KEY_XML_ADDRESS "xml-address"
#define KEY_NETWORK "network"

#define SHOWN_MAX 255
#define REPLACEMENT "?"

static const char *const purposes[] = {
	[VFERRY_CLAIM_RUNNING] = "running",
	[VFERRY_CLAIM_INCOMING] = "incoming",
	[VFERRY_CLAIM_BOUND] = "bound",
};

gboolean vferry_instant_now(VferryInstant *ret, GError **error)
{
	g_autofree char *boot = vferry_sysfs_read("/proc/sys/kernel/random", "boot_id", error);
	struct timespec now;

	if (!boot)
		return FALSE;
	clock_gettime(CLOCK_BOOTTIME, &now);
	g_strlcpy(ret->boot, boot, sizeof(ret->boot));
	ret->seconds = now.tv_sec;
	return TRUE;
}

const char *vferry_claim_purpose_text(VferryClaimPurpose purpose)
{
	return (guint)purpose < G_N_ELEMENTS(purposes) ? purposes[purpose] : "unknown";
}

VferryClaim *vferry_claim_new(const VferryAddress *address, const char *uuid, const char *name,
			      VferryClaimPurpose purpose, const VferryInstant *created)
{
	VferryClaim *claim = g_rc_box_new0(VferryClaim);

	claim->address = *address;
	claim->uuid = g_strdup(uuid);
	claim->name = g_strdup(name);
	claim->purpose = purpose;
	claim->created = *created;
	claim->xml_address = *address;
	return claim;
}

VferryClaim *vferry_claim_new_problem(const VferryAddress *address, const char *problem)
{
	VferryClaim *claim = g_rc_box_new0(VferryClaim);

	claim->address = *address;
	claim->problem = g_strdup(problem);
	return claim;
}

VferryClaim *vferry_claim_ref(VferryClaim *claim)
{
	return g_rc_box_acquire(claim);
}

static void clear(gpointer data)
{
	VferryClaim *claim = data;

	g_free(claim->problem);
	g_free(claim->uuid);
	g_free(claim->name);
	g_free(claim->driver);
	g_free(claim->driver_override);
	g_free(claim->network);
	g_free(claim->text);
}

void vferry_claim_free(VferryClaim *claim)
{
	if (claim)
		g_rc_box_release_full(claim, clear);
}

gboolean vferry_claim_blocks(const VferryClaim *claim, const char *uuid)
{
	if (!claim)
		return FALSE;
	return claim->problem || g_ascii_strcasecmp(claim->uuid, uuid) != 0;
}

gboolean vferry_claim_expired(const VferryClaim *claim, const VferryInstant *now)
{
	if (claim->problem)
		return FALSE;
	if (strcmp(claim->created.boot, now->boot) != 0)
		return TRUE;
	return claim->lifetime > 0 && now->seconds - claim->created.seconds > claim->lifetime;
}

/* Text that a terminal and a log can take as it is. */
static char *showable(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
	GString *shown = g_string_new(NULL);

	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gboolean printable = g_unichar_isprint(g_utf8_get_char(at));
		gsize length = printable ? (gsize)(g_utf8_next_char(at) - at) : 1;

		if (shown->len + length > SHOWN_MAX)
			break;
		g_string_append_len(shown, printable ? at : REPLACEMENT, (gssize)length);
	}
	return g_string_free(shown, FALSE);
}

static gboolean invalid(GError **error, const char *key, const char *value)
{
	g_autofree char *shown = showable(value);

	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID, "%s='%.40s' makes no claim", key,
		    shown);
	return FALSE;
}

static gboolean invalid_number(GError **error, const char *key, gint64 value)
{
	char text[sizeof("-9223372036854775808")];

	g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT, value);
	return invalid(error, key, text);
}

/* A release writes the name to sysfs and makes a path of it. */
static gboolean is_driver(const char *name)
{
	return !name || vferry_driver_name_valid(name);
}

static gboolean check(const VferryClaim *claim, GError **error)
{
	if (!claim->uuid || !g_uuid_string_is_valid(claim->uuid))
		return invalid(error, KEY_UUID, claim->uuid);
	if ((guint)claim->purpose >= G_N_ELEMENTS(purposes))
		return invalid_number(error, KEY_PURPOSE, claim->purpose);
	if (!g_uuid_string_is_valid(claim->created.boot))
		return invalid(error, KEY_BOOT, claim->created.boot);
	if (claim->created.seconds < 0)
		return invalid_number(error, KEY_CREATED, claim->created.seconds);
	/* What a guest uses must not come to an end by a clock. */
	if (claim->purpose == VFERRY_CLAIM_RUNNING && claim->lifetime)
		return invalid_number(error, KEY_LIFETIME, claim->lifetime);
	if (!is_driver(claim->driver))
		return invalid(error, KEY_DRIVER, claim->driver);
	if (!is_driver(claim->driver_override))
		return invalid(error, KEY_DRIVER_OVERRIDE, claim->driver_override);
	if (claim->identity.parts & VFERRY_IDENTITY_MAC) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "a claim has no MAC to put back");
		return FALSE;
	}
	return vferry_identity_check(&claim->identity, error);
}

static gboolean take_text(GKeyFile *file, const char *key, char **ret, GError **error)
{
	g_autoptr(GError) why = NULL;

	/* With a wrong escape GLib sets the error and returns text all the same. */
	*ret = g_key_file_get_string(file, GROUP, key, &why);
	if (*ret && !why)
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "the claim has no '%s', or a garbled one", key);
	return FALSE;
}

static gboolean has(GKeyFile *file, const char *key)
{
	return g_key_file_has_key(file, GROUP, key, NULL);
}

static gboolean take_optional_text(GKeyFile *file, const char *key, char **ret, GError **error)
{
	return !has(file, key) || take_text(file, key, ret, error);
}

static gboolean take_number(GKeyFile *file, const char *key, guint64 maximum, guint64 *ret,
			    GError **error)
{
	g_autofree char *text = NULL;

	if (!take_text(file, key, &text, error))
		return FALSE;
	if (!g_ascii_string_to_unsigned(text, 10, 0, maximum, ret, NULL))
		return invalid(error, key, text);
	return TRUE;
}

static gboolean take_purpose(GKeyFile *file, VferryClaimPurpose *ret, GError **error)
{
	g_autofree char *text = NULL;

	if (!take_text(file, KEY_PURPOSE, &text, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(purposes); i++) {
		if (g_str_equal(text, purposes[i])) {
			*ret = (VferryClaimPurpose)i;
			return TRUE;
		}
	}
	return invalid(error, KEY_PURPOSE, text);
}

static gboolean take_owner(GKeyFile *file, VferryClaim *claim, GError **error)
{
	g_autofree char *name = NULL;

	if (!take_text(file, KEY_UUID, &claim->uuid, error) ||
	    !take_text(file, KEY_NAME, &name, error) ||
	    !take_purpose(file, &claim->purpose, error))
		return FALSE;
	claim->name = showable(name);
	return TRUE;
}

static gboolean take_times(GKeyFile *file, VferryClaim *claim, GError **error)
{
	g_autofree char *boot = NULL;
	guint64 created, lifetime;

	if (!take_text(file, KEY_BOOT, &boot, error) ||
	    !take_number(file, KEY_CREATED, G_MAXINT64, &created, error) ||
	    !take_number(file, KEY_LIFETIME, G_MAXUINT32, &lifetime, error))
		return FALSE;
	if (g_strlcpy(claim->created.boot, boot, VFERRY_BOOT_ID_SIZE) >= VFERRY_BOOT_ID_SIZE)
		return invalid(error, KEY_BOOT, boot);
	claim->created.seconds = (gint64)created;
	claim->lifetime = (guint32)lifetime;
	return TRUE;
}

static gboolean take_boolean(GKeyFile *file, const char *key, gboolean *ret, GError **error)
{
	g_autofree char *text = NULL;

	if (!take_text(file, key, &text, error))
		return FALSE;
	*ret = g_str_equal(text, "true");
	return *ret || g_str_equal(text, "false") || invalid(error, key, text);
}

static gboolean take_optional_boolean(GKeyFile *file, const char *key, gboolean *ret,
				      GError **error)
{
	return !has(file, key) || take_boolean(file, key, ret, error);
}

static gboolean take_before(GKeyFile *file, VferryClaim *claim, GError **error)
{
	return take_optional_text(file, KEY_DRIVER, &claim->driver, error) &&
	       take_optional_text(file, KEY_DRIVER_OVERRIDE, &claim->driver_override, error) &&
	       take_boolean(file, KEY_BOUND_BY_US, &claim->bound_by_us, error) &&
	       vferry_claim_identity_take(file, GROUP, &claim->identity, error) &&
	       take_optional_boolean(file, KEY_FORGET, &claim->forget, error) &&
	       take_optional_boolean(file, KEY_FAILOVER, &claim->failover, error);
}

static gboolean take_origin(GKeyFile *file, VferryClaim *claim, GError **error)
{
	g_autofree char *network = NULL, *address = NULL;

	if (!take_optional_text(file, KEY_NETWORK, &network, error) ||
	    !take_text(file, KEY_XML_ADDRESS, &address, error) ||
	    !vferry_address_parse(address, &claim->xml_address, error))
		return FALSE;
	claim->network = network ? showable(network) : NULL;
	return TRUE;
}

VferryClaim *vferry_claim_parse(const VferryAddress *address, const char *text, gsize length,
				GError **error)
{
	g_autoptr(VferryClaim) claim = g_rc_box_new0(VferryClaim);
	g_autoptr(GKeyFile) file = g_key_file_new();

	if (length > VFERRY_CLAIM_TEXT_MAX || !g_utf8_validate(text, (gssize)length, NULL) ||
	    !g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, NULL)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "this is no key file of at most %d bytes", VFERRY_CLAIM_TEXT_MAX);
		return NULL;
	}
	claim->address = *address;
	claim->text = g_strndup(text, length);
	if (!take_owner(file, claim, error) || !take_times(file, claim, error) ||
	    !take_before(file, claim, error) || !take_origin(file, claim, error) ||
	    !check(claim, error))
		return NULL;
	return g_steal_pointer(&claim);
}

static void set_text(GKeyFile *file, const char *key, const char *value)
{
	if (value)
		g_key_file_set_string(file, GROUP, key, value);
	else
		g_key_file_remove_key(file, GROUP, key, NULL);
}

static void set_claim(GKeyFile *file, const VferryClaim *claim)
{
	g_autofree char *name = showable(claim->name);
	g_autofree char *network = claim->network ? showable(claim->network) : NULL;
	char xml_address[VFERRY_ADDRESS_TEXT_SIZE];

	set_text(file, KEY_UUID, claim->uuid);
	set_text(file, KEY_NAME, name);
	set_text(file, KEY_PURPOSE, vferry_claim_purpose_text(claim->purpose));
	set_text(file, KEY_FAILOVER, claim->failover ? "true" : NULL);
	set_text(file, KEY_BOOT, claim->created.boot);
	g_key_file_set_int64(file, GROUP, KEY_CREATED, claim->created.seconds);
	g_key_file_set_uint64(file, GROUP, KEY_LIFETIME, claim->lifetime);
	set_text(file, KEY_DRIVER, claim->driver);
	set_text(file, KEY_DRIVER_OVERRIDE, claim->driver_override);
	g_key_file_set_boolean(file, GROUP, KEY_BOUND_BY_US, claim->bound_by_us);
	vferry_claim_identity_set(file, GROUP, &claim->identity);
	g_key_file_set_boolean(file, GROUP, KEY_FORGET, claim->forget);
	set_text(file, KEY_XML_ADDRESS, vferry_address_text(&claim->xml_address, xml_address));
	set_text(file, KEY_NETWORK, network);
}

char *vferry_claim_text(const VferryClaim *claim, const VferryClaim *earlier, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *text = NULL;
	gsize length;

	if (!check(claim, error))
		return NULL;
	if (earlier && earlier->text)
		g_key_file_load_from_data(file, earlier->text, strlen(earlier->text),
					  G_KEY_FILE_NONE, NULL);
	set_claim(file, claim);
	text = g_key_file_to_data(file, &length, NULL);
	if (length > VFERRY_CLAIM_TEXT_MAX) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "the claim has more than %d bytes", VFERRY_CLAIM_TEXT_MAX);
		return NULL;
	}
	return g_steal_pointer(&text);
}
