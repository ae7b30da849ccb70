/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "binding.h"

#include "bounded.h"
#include "driver-name.h"
#include "error.h"
#include "sysfs.h"
#include "vfio.h"

#include <errno.h>

static guint limit = 30000;

/* How the kernel shows an override that is not set: "%s" of a null pointer. */
#define NO_OVERRIDE "(null)"

/*
 * A VF at work.
 * @stuck: the kernel did not answer once: whatever else is tried waits as well,
 *	and takes effect at a time when nobody expects it.
 */
typedef struct {
	const VferryAddress *address;
	char name[VFERRY_ADDRESS_TEXT_SIZE];
	char folder[sizeof(VFERRY_SYSFS_PCI_DEVICES) + VFERRY_ADDRESS_TEXT_SIZE];
	gboolean stuck;
} Device;

void vferry_binding_set_limit(guint milliseconds)
{
	limit = milliseconds;
}

void vferry_binding_clear(VferryBinding *binding)
{
	g_clear_pointer(&binding->driver, g_free);
	g_clear_pointer(&binding->driver_override, g_free);
}

static gboolean exists(const Device *device)
{
	return g_file_test(device->folder, G_FILE_TEST_IS_DIR);
}

static gboolean open_device(const VferryAddress *vf, Device *ret, GError **error)
{
	g_autofree char *pf = NULL;

	*ret = (Device){ .address = vf };
	vferry_address_text(vf, ret->name);
	g_snprintf(ret->folder, sizeof(ret->folder), "%s/%s", VFERRY_SYSFS_PCI_DEVICES, ret->name);
	if (!exists(ret)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
			    "there is no PCI device %s", ret->name);
		return FALSE;
	}
	pf = vferry_sysfs_link(ret->folder, "physfn");
	if (!pf) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_REFUSED,
			    "%s is no VF: it has no physfn", ret->name);
		return FALSE;
	}
	return TRUE;
}

/* The name becomes part of a path. */
static gboolean check_driver_name(const char *name, GError **error)
{
	g_autofree char *shown = NULL;

	if (vferry_driver_name_valid(name))
		return TRUE;
	shown = g_strescape(name, NULL);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_INVALID,
		    "'%.40s' is no name of a driver: it has letters, digits, '_', '.' and '-'",
		    shown);
	return FALSE;
}

static gboolean check_driver_exists(const char *name, GError **error)
{
	g_autofree char *folder = g_build_filename(VFERRY_SYSFS_PCI_DRIVERS, name, NULL);

	if (g_file_test(folder, G_FILE_TEST_IS_DIR))
		return TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_NOT_FOUND,
		    "there is no PCI driver %s: load its module", name);
	return FALSE;
}

/* Whoever unbinds a device in use waits for its user, and has the guest asked to let it go. */
static gboolean check_unused(const Device *device, GError **error)
{
	g_autoptr(GError) failure = NULL;
	g_autofree char *folder = NULL, *command = NULL;
	pid_t user;

	if (!vferry_vfio_in_use(device->address, &user, &failure)) {
		if (!failure)
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&failure));
		return FALSE;
	}
	folder = g_strdup_printf("/proc/%d", (int)user);
	command = vferry_sysfs_read(folder, "comm", NULL);
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
		    "%s is in use by process %d (%s): stop it, or detach the device from it",
		    device->name, (int)user, command ? command : "?");
	return FALSE;
}

static VferryError kind_of(int number)
{
	switch (number) {
	case ENOENT:
	case ENODEV:
	case ENOTDIR:
		return VFERRY_ERROR_NOT_FOUND;
	case EBUSY:
	case EEXIST:
		return VFERRY_ERROR_BUSY;
	default:
		return VFERRY_ERROR_FAILED;
	}
}

/* Return: is @number, the outcome of @doing something to @path, good? */
static gboolean check_outcome(Device *device, int number, const char *doing, const char *path,
			      GError **error)
{
	if (!number)
		return TRUE;
	if (number != VFERRY_BOUNDED_LATE) {
		g_set_error(error, VFERRY_ERROR, kind_of(number), "%s %s: %s", doing, path,
			    number == VFERRY_BOUNDED_KILLED ? "the child that does it was killed" :
							      g_strerror(number));
		return FALSE;
	}
	device->stuck = TRUE;
	g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
		    "%s %s: no answer from the kernel in %u ms: something holds the device, and "
		    "what was asked of it may still happen", doing, path, limit);
	return FALSE;
}

static gboolean write_attribute(Device *device, const char *path, const char *value,
				GError **error)
{
	g_autofree char *shown = g_strchomp(g_strdup(value));
	g_autofree char *doing = g_strdup_printf("writing '%s' to", shown);
	int number = device->stuck ? VFERRY_BOUNDED_LATE :
				     vferry_bounded_write(path, value, limit);

	return check_outcome(device, number, doing, path, error);
}

static gboolean read_override(Device *device, char **ret, GError **error)
{
	g_autofree char *path = g_build_filename(device->folder, "driver_override", NULL);
	char value[VFERRY_BOUNDED_VALUE_SIZE];
	int number = device->stuck ? VFERRY_BOUNDED_LATE :
				     vferry_bounded_read(path, value, limit);

	if (!check_outcome(device, number, "reading", path, error))
		return FALSE;
	g_strchomp(value);
	*ret = *value && !g_str_equal(value, NO_OVERRIDE) ? g_strdup(value) : NULL;
	return TRUE;
}

/* @override: NULL to clear it; of no bytes at all the kernel would not hear. */
static gboolean set_override(Device *device, const char *override, GError **error)
{
	g_autofree char *path = g_build_filename(device->folder, "driver_override", NULL);
	g_autofree char *value = g_strconcat(override ? override : "", "\n", NULL);
	g_autofree char *present = NULL;

	if (!read_override(device, &present, error))
		return FALSE;
	return g_strcmp0(present, override) == 0 || write_attribute(device, path, value, error);
}

static gboolean read_binding(Device *device, VferryBinding *ret, GError **error)
{
	g_auto(VferryBinding) binding = { 0 };

	if (!read_override(device, &binding.driver_override, error))
		return FALSE;
	binding.driver = vferry_sysfs_link(device->folder, "driver");
	if ((binding.driver && !check_driver_name(binding.driver, error)) ||
	    (binding.driver_override && !check_driver_name(binding.driver_override, error))) {
		g_prefix_error(error, "%s: ", device->folder);
		return FALSE;
	}
	*ret = binding;
	binding = (VferryBinding){ 0 };
	return TRUE;
}

/* A clause about what is there now, for messages. */
static char *describe(Device *device)
{
	g_autofree char *driver = vferry_sysfs_link(device->folder, "driver");
	g_autofree char *override = NULL;
	gboolean known = read_override(device, &override, NULL);
	g_autofree char *shown = override ? g_strescape(override, NULL) : NULL;

	if (!exists(device))
		return g_strdup("the device is gone");
	return g_strdup_printf("the device has %s%s now, driver_override %s%s",
			       driver ? "driver " : "no driver", driver ? driver : "",
			       !known ? "unknown" : shown ? "is " : "is not set",
			       shown ? shown : "");
}

static gboolean release(Device *device, GError **error)
{
	g_autofree char *driver = vferry_sysfs_link(device->folder, "driver");
	g_autofree char *path = NULL, *left = NULL;
	g_autoptr(GError) failure = NULL;

	if (!driver)
		return TRUE;
	path = g_build_filename(VFERRY_SYSFS_PCI_DRIVERS, driver, "unbind", NULL);
	if (write_attribute(device, path, device->name, &failure))
		return TRUE;
	/* Someone else was faster. A driver that still waits for its user has no link either. */
	left = vferry_sysfs_link(device->folder, "driver");
	if (!left && !device->stuck && exists(device))
		return TRUE;
	if (left && !g_str_equal(left, driver)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
			    "%s went from driver %s to %s: someone else binds it, too",
			    device->name, driver, left);
		return FALSE;
	}
	g_propagate_error(error, g_steal_pointer(&failure));
	return FALSE;
}

/* drivers_probe is content even when nobody takes the device: look who did. */
static gboolean check_bound(const Device *device, const char *driver, gboolean needs_vfio,
			    GError **error)
{
	g_autofree char *actual = vferry_sysfs_link(device->folder, "driver");
	g_autofree char *vfio = vferry_vfio_device(device->address);

	if (!actual) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "driver %s did not take %s: see the kernel's log", driver,
			    device->name);
		return FALSE;
	}
	if (!g_str_equal(actual, driver)) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_BUSY,
			    "%s went to driver %s instead of %s: someone else binds it, too",
			    device->name, actual, driver);
		return FALSE;
	}
	if (needs_vfio && !vfio) {
		g_set_error(error, VFERRY_ERROR, VFERRY_ERROR_FAILED,
			    "driver %s took %s but made no vfio-dev: it is no VFIO driver", driver,
			    device->name);
		return FALSE;
	}
	return TRUE;
}

static gboolean probe(Device *device, const char *driver, gboolean needs_vfio, GError **error)
{
	return write_attribute(device, VFERRY_SYSFS_PCI_DRIVERS_PROBE, device->name, error) &&
	       check_bound(device, driver, needs_vfio, error);
}

/*
 * The override comes first: at no moment may another driver, whose module is just
 * being loaded, find the device free.
 */
static gboolean rebind(Device *device, const char *driver, gboolean needs_vfio, GError **error)
{
	return set_override(device, driver, error) && release(device, error) &&
	       probe(device, driver, needs_vfio, error);
}

/*
 * Here the override comes second, so that none is contrary to the driver that is
 * bound. The driver gets one of its own for the probe, since it may have held the
 * device without matching it by its table. However that ends, what is left as
 * override is the one asked for.
 */
static gboolean put_back(Device *device, const VferryBinding *binding, GError **error)
{
	g_autofree char *present = vferry_sysfs_link(device->folder, "driver");
	gboolean bound;

	if (g_strcmp0(present, binding->driver) == 0)
		return set_override(device, binding->driver_override, error);
	if (!check_unused(device, error) || !release(device, error))
		return FALSE;
	bound = !binding->driver || (set_override(device, binding->driver, error) &&
				     probe(device, binding->driver, FALSE, error));
	return set_override(device, binding->driver_override, bound ? error : NULL) && bound;
}

static gboolean is_same(const VferryBinding *left, const VferryBinding *right)
{
	return g_strcmp0(left->driver, right->driver) == 0 &&
	       g_strcmp0(left->driver_override, right->driver_override) == 0;
}

/* After a failed rebind() to @driver. Return: a clause that says what came of it. */
static char *roll_back(Device *device, const char *driver, const VferryBinding *before)
{
	g_auto(VferryBinding) now = { 0 };
	g_autoptr(GError) failure = NULL;
	g_autofree char *state = NULL;

	if (!exists(device))
		return describe(device);
	if (read_binding(device, &now, &failure)) {
		if (is_same(&now, before))
			return g_strdup("all is as before");
		if (g_strcmp0(now.driver_override, driver) != 0) {
			state = describe(device);
			return g_strdup_printf("left alone, as someone else has changed "
					       "driver_override: %s", state);
		}
		if (put_back(device, before, &failure))
			return g_strdup("all is as before");
	}
	state = describe(device);
	return g_strdup_printf("the roll-back failed: %s; %s", failure->message, state);
}

gboolean vferry_binding_read(const VferryAddress *vf, VferryBinding *ret, GError **error)
{
	Device device;

	return open_device(vf, &device, error) && read_binding(&device, ret, error);
}

static gboolean bind_or_roll_back(Device *device, const char *driver, gboolean needs_vfio,
				  const VferryBinding *before, GError **error)
{
	g_autoptr(GError) failure = NULL;
	g_autofree char *outcome = NULL;

	if (rebind(device, driver, needs_vfio, &failure))
		return TRUE;
	outcome = roll_back(device, driver, before);
	g_set_error(error, VFERRY_ERROR,
		    exists(device) ? failure->code : VFERRY_ERROR_NOT_FOUND, "%s; %s",
		    failure->message, outcome);
	return FALSE;
}

gboolean vferry_bind(const VferryAddress *vf, const char *driver, gboolean needs_vfio,
		     VferryBinding *ret_before, GError **error)
{
	g_auto(VferryBinding) before = { 0 };
	Device device;

	if (!check_driver_name(driver, error) || !open_device(vf, &device, error) ||
	    !read_binding(&device, &before, error))
		return FALSE;
	if (!check_bound(&device, driver, needs_vfio, NULL) &&
	    (!check_driver_exists(driver, error) || !check_unused(&device, error) ||
	     !bind_or_roll_back(&device, driver, needs_vfio, &before, error)))
		return FALSE;
	if (ret_before) {
		*ret_before = before;
		before = (VferryBinding){ 0 };
	}
	return TRUE;
}

gboolean vferry_unbind(const VferryAddress *vf, const VferryBinding *restore_to, GError **error)
{
	const VferryBinding nothing = { 0 };
	const VferryBinding *binding = restore_to ? restore_to : &nothing;
	g_autoptr(GError) failure = NULL;
	g_autofree char *state = NULL;
	Device device;

	if ((binding->driver && (!check_driver_name(binding->driver, error) ||
				 !check_driver_exists(binding->driver, error))) ||
	    (binding->driver_override && !check_driver_name(binding->driver_override, error)) ||
	    !open_device(vf, &device, error))
		return FALSE;
	if (put_back(&device, binding, &failure))
		return TRUE;
	state = describe(&device);
	g_set_error(error, VFERRY_ERROR,
		    exists(&device) ? failure->code : VFERRY_ERROR_NOT_FOUND, "%s; %s",
		    failure->message, state);
	return FALSE;
}
