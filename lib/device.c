/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include "error.h"
#include "sysfs.h"

#include <string.h>

gboolean vferry_device_open_bus(VferryFolder *ret, GError **error)
{
	return vferry_folder_open(NULL, VFERRY_SYSFS_PCI_DEVICES, ret, error);
}

gboolean vferry_device_open(const VferryFolder *bus, const VferryAddress *address,
			    VferryFolder *ret, GError **error)
{
	char text[VFERRY_ADDRESS_TEXT_SIZE];

	return vferry_folder_open(bus, vferry_address_text(address, text), ret, error);
}

void vferry_device_judge(const VferryFolder *device, GError **error)
{
	if (!error)
		return;
	if (!vferry_folder_is_there(device))
		(*error)->code = VFERRY_ERROR_NOT_FOUND;
	else if (g_error_matches(*error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		(*error)->code = VFERRY_ERROR_INVALID;
}

void vferry_device_note(GPtrArray *problems, const GError *error)
{
	if (problems && !g_error_matches(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND))
		g_ptr_array_add(problems, g_strdup(error->message));
}

/* Takes a label and exactly so many uppercase hexadecimal digits off the text. */
static gboolean take_hex(const char **text, const char *label, guint digits, guint32 *ret)
{
	const char *digit = *text + strlen(label);
	guint32 value = 0;

	if (!g_str_has_prefix(*text, label))
		return FALSE;
	for (; digits; digits--, digit++) {
		if (!g_ascii_isxdigit(*digit) || g_ascii_islower(*digit))
			return FALSE;
		value = value << 4 | (guint32)g_ascii_xdigit_value(*digit);
	}
	*text = digit;
	*ret = value;
	return TRUE;
}

/* As modalias_show() of drivers/pci/pci-sysfs.c in the kernel writes it. */
static gboolean parse_modalias(const char *modalias, VferryDeviceIds *ret)
{
	guint32 vendor, device, subvendor, subdevice, base, sub, interface;

	if (!take_hex(&modalias, "pci:v", 8, &vendor) || !take_hex(&modalias, "d", 8, &device) ||
	    !take_hex(&modalias, "sv", 8, &subvendor) ||
	    !take_hex(&modalias, "sd", 8, &subdevice) || !take_hex(&modalias, "bc", 2, &base) ||
	    !take_hex(&modalias, "sc", 2, &sub) || !take_hex(&modalias, "i", 2, &interface) ||
	    *modalias || (vendor | device | subvendor | subdevice) > G_MAXUINT16)
		return FALSE;
	*ret = (VferryDeviceIds){
		.vendor = (guint16)vendor,
		.device = (guint16)device,
		.subsystem_vendor = (guint16)subvendor,
		.subsystem_device = (guint16)subdevice,
		.class_code = base << 16 | sub << 8 | interface,
	};
	return TRUE;
}

gboolean vferry_device_read_ids(const VferryFolder *device, VferryDeviceIds *ret, GError **error)
{
	g_autofree char *modalias = vferry_folder_read(device, "modalias", error);

	if (!modalias)
		return FALSE;
	if (!parse_modalias(modalias, ret)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
			    "%s/modalias is no alias of a PCI device", device->path);
		return FALSE;
	}
	ret->modalias = g_steal_pointer(&modalias);
	return TRUE;
}

gboolean vferry_device_read_link(const VferryFolder *device, const char *link, VferryAddress *ret,
				 GError **error)
{
	g_autofree char *name = NULL;

	if (!vferry_folder_link(device, link, &name, error))
		return FALSE;
	if (!name) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND, "%s has no link %s",
			    device->path, link);
		return FALSE;
	}
	if (!vferry_address_parse(name, ret, error)) {
		g_prefix_error(error, "%s/%s: ", device->path, link);
		return FALSE;
	}
	return TRUE;
}

static int compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

char **vferry_device_read_names(const VferryFolder *device, const char *name, GError **error)
{
	g_autoptr(GPtrArray) names = vferry_folder_names(device, name, error);

	if (!names)
		return NULL;
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_steal(names, NULL);
}
