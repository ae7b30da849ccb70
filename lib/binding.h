/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which driver holds a VF: bind it to one, verify, roll back; give it back.
 * Source: the kernel's Documentation/ABI/testing/sysfs-bus-pci.
 *
 * driver_override stays set as long as a VF is bound by us. While it is set no
 * other driver takes the VF (pci_match_device() in drivers/pci/pci-driver.c),
 * whoever probes or loads a module; and the table entries of variant drivers
 * (PCI_DRIVER_OVERRIDE_DEVICE_VFIO) match only while it is, so that a probe
 * without it would go to the network driver. vferry_unbind() clears it: an
 * override that outlives its driver keeps all others away. With an override set,
 * a VF whose PF has sriov_drivers_autoprobe=0 is probed all the same.
 *
 * Killed between two writes, vferry_bind() leaves one of these states, with P
 * bound and override O before, D wanted. "P" may be none, "O" not set.
 *
 *	driver	override
 *	P	O		before the first write
 *	P	D		nothing has happened to the device
 *	none	D		nobody but D can take it
 *	D	D		done
 *
 * and a roll-back or vferry_unbind(), on the way back to P and O (without the two
 * in the midst if P is none),
 *
 *	none	D		nobody but D can take it
 *	none	P		nobody but P can take it
 *	P	P		only the override remains to be put back
 *	P	O		done
 *
 * From each of them vferry_bind() again, or vferry_unbind(), does its work as if
 * nothing had happened; there is nothing to repair. What it returns as the binding
 * before is what it found, so a caller that wants to go back beyond a kill keeps
 * what vferry_binding_read() says before it binds.
 *
 * No function here waits longer than the limit for a kernel that does not
 * answer (bounded.h), and after it did not, nothing more is written.
 *
 * There is no lock here: two callers that may mean one VF hold one of their own.
 * Others (libvirt, an administrator) do not know it. Whoever set driver_override
 * last is taken to be at work, and is left alone.
 */
#ifndef VFERRY_BINDING_H
#define VFERRY_BINDING_H

#include "address.h"

/**
 * VferryBinding - what decides who drives a VF
 * @driver: name of the driver that holds it, or NULL
 * @driver_override: name of the only driver that may take it, or NULL if any may
 */
typedef struct {
	char *driver;
	char *driver_override;
} VferryBinding;

/** vferry_binding_clear() - free what is in it; VferryBinding binding = { 0 } is clear */
void vferry_binding_clear(VferryBinding *binding);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VferryBinding, vferry_binding_clear)

/**
 * vferry_binding_read() - what is there now
 * @vf: address
 * @ret: filled in; to be cleared by the caller; untouched on failure
 *
 * Return: FALSE with VFERRY_ERROR_NOT_FOUND for no such function,
 * VFERRY_ERROR_REFUSED for one that is no VF, VFERRY_ERROR_INVALID for a name
 * that this module would not write back, VFERRY_ERROR_BUSY after the limit,
 * VFERRY_ERROR_FAILED.
 */
gboolean vferry_binding_read(const VferryAddress *vf, VferryBinding *ret, GError **error);

/**
 * vferry_bind() - have @driver hold @vf, or leave all as it was
 * @vf: address
 * @driver: its name under /sys/bus/pci/drivers; its module is loaded
 * @needs_vfio: it has to be a VFIO driver: bound is not enough, vfio-dev has to appear
 * @ret_before: filled in on success: what was there before; may be NULL
 *
 * Writes nothing if @driver holds it already, whatever driver_override says.
 *
 * Return: FALSE with the errors of vferry_binding_read(), and
 * VFERRY_ERROR_INVALID: @driver is no name of a driver;
 * VFERRY_ERROR_NOT_FOUND: no such driver, or the device went away;
 * VFERRY_ERROR_BUSY: a process uses the VF through VFIO, someone else binds it at
 * this moment, or the kernel does not answer;
 * VFERRY_ERROR_FAILED: the driver did not take it.
 * Once anything was written the message says that all is as before, or why not
 * and in what state the device is.
 */
gboolean vferry_bind(const VferryAddress *vf, const char *driver, gboolean needs_vfio,
		     VferryBinding *ret_before, GError **error);

/**
 * vferry_unbind() - give @vf back
 * @vf: address
 * @restore_to: driver and override to put back, or NULL for neither
 *
 * Writes nothing if it is so already. If the driver of @restore_to does not take
 * it, it has none, and the override is put back all the same.
 *
 * Errors as vferry_bind().
 */
gboolean vferry_unbind(const VferryAddress *vf, const VferryBinding *restore_to, GError **error);

/**
 * vferry_binding_set_limit() - how long to wait for the kernel
 * @milliseconds: for each attribute; 30,000 unless told otherwise
 *
 * For the whole process; to be called before there are threads.
 */
void vferry_binding_set_limit(guint milliseconds);

#endif
