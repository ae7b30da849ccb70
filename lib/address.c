/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address.h"

#include "error.h"

/* A hexadecimal number of min to max lowercase digits that ends at a delimiter. */
static gboolean take_hex(const char **text, int min, int max, char delimiter, guint32 *ret)
{
	const char *end = *text;
	guint32 value = 0;

	while (end - *text < max && g_ascii_isxdigit(*end) && !g_ascii_isupper(*end))
		value = value << 4 | (guint32)g_ascii_xdigit_value(*end++);
	if (end - *text < min || *end != delimiter)
		return FALSE;
	*text = delimiter ? end + 1 : end;
	*ret = value;
	return TRUE;
}

gboolean vferry_address_parse(const char *text, VferryAddress *ret, GError **error)
{
	const char *rest = text;
	guint32 domain, bus, device, function;

	/* The kernel writes a domain with %04x: more digits have no zero before them. */
	if (!take_hex(&rest, 4, 8, ':', &domain) || (rest - text > 5 && text[0] == '0') ||
	    !take_hex(&rest, 2, 2, ':', &bus) || !take_hex(&rest, 2, 2, '.', &device) ||
	    device > 0x1f || !take_hex(&rest, 1, 1, '\0', &function) || function > 7) {
		g_autofree char *shown = g_strescape(text, NULL);

		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "'%.40s' is no PCI address like 0000:01:10.0", shown);
		return FALSE;
	}
	*ret = (VferryAddress){ domain, (guint8)bus, (guint8)device, (guint8)function };
	return TRUE;
}

const char *vferry_address_text(const VferryAddress *address, char *text)
{
	g_snprintf(text, VFERRY_ADDRESS_TEXT_SIZE, "%04x:%02x:%02x.%x", address->domain,
		   address->bus, address->device, address->function);
	return text;
}

static guint64 as_number(const VferryAddress *address)
{
	return (guint64)address->domain << 16 | (guint64)address->bus << 8 |
	       (guint64)address->device << 3 | address->function;
}

int vferry_address_compare(gconstpointer left, gconstpointer right)
{
	guint64 a = as_number(left), b = as_number(right);

	return (a > b) - (a < b);
}

gboolean vferry_address_equal(gconstpointer left, gconstpointer right)
{
	return as_number(left) == as_number(right);
}

guint vferry_address_hash(gconstpointer address)
{
	guint64 number = as_number(address);

	return g_int64_hash(&number);
}
