/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_ADDRESS_H
#define VFERRY_ADDRESS_H

#include <glib.h>

/**
 * VferryAddress - the address of a PCI function, as the kernel names it
 * @domain: PCI segment; above 0xffff behind a controller that invents one (VMD)
 * @bus: 0..0xff
 * @device: 0..0x1f
 * @function: 0..7
 */
typedef struct {
	guint32 domain;
	guint8 bus;
	guint8 device;
	guint8 function;
} VferryAddress;

/* Room for the text of any address and its end. */
#define VFERRY_ADDRESS_TEXT_SIZE 17

/**
 * vferry_address_parse() - read the form that sysfs uses, "0000:01:10.0"
 * @text: nothing may stand before or after the address
 * @ret: filled in
 *
 * Return: FALSE with VFERRY_ERROR_INVALID for anything else.
 */
gboolean vferry_address_parse(const char *text, VferryAddress *ret, GError **error);

/**
 * vferry_address_text() - write the form that sysfs uses
 * @address: address
 * @text: VFERRY_ADDRESS_TEXT_SIZE bytes
 *
 * Return: @text
 */
const char *vferry_address_text(const VferryAddress *address, char *text);

/** vferry_address_compare() - <0, 0, >0 in the order of lspci; a GCompareFunc */
int vferry_address_compare(gconstpointer left, gconstpointer right);

/** vferry_address_equal() - a GEqualFunc */
gboolean vferry_address_equal(gconstpointer left, gconstpointer right);

/** vferry_address_hash() - a GHashFunc */
guint vferry_address_hash(gconstpointer address);

#endif
