/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes of sysfs attributes that give up after a time.
 *
 * The kernel does some of them under the device's lock and without regard to
 * signals: writing "unbind" of a VFIO driver waits until the user closes the
 * device (vfio_unregister_group_dev), and whoever then reads or writes
 * driver_override waits for the lock. No signal ends that, SIGKILL neither.
 *
 * So a child does it. A thread would not do: a process whose thread is stuck
 * keeps its open files and cannot be reaped, and libvirt waits for a hook until
 * both its pipes are closed. The child has only the attribute and its answer
 * open; left behind, it holds up nobody but itself.
 */
#ifndef VFERRY_BOUNDED_H
#define VFERRY_BOUNDED_H

#include <glib.h>

/* Longest value that vferry_bounded_read() can return, and its end. */
#define VFERRY_BOUNDED_VALUE_SIZE 1024

/* What is returned beside errnos: there was no answer in time, or no answer ever. */
#define VFERRY_BOUNDED_LATE (-1)
#define VFERRY_BOUNDED_KILLED (-2)

/**
 * vferry_bounded_write() - write an attribute in one write(2)
 * @path: file that is there
 * @value: what to write
 * @limit: milliseconds
 *
 * Return: 0, or the errno of open(2), write(2) or what else was needed;
 * VFERRY_BOUNDED_LATE: it has not ended yet, and what the kernel has begun still
 * takes effect some day; VFERRY_BOUNDED_KILLED: the child was killed, it may or
 * may not have taken effect.
 */
int vferry_bounded_write(const char *path, const char *value, guint limit);

/**
 * vferry_bounded_read() - read an attribute in one read(2)
 * @value: VFERRY_BOUNDED_VALUE_SIZE bytes; text as the kernel gives it, with its end
 *
 * Return: as vferry_bounded_write(); EOVERFLOW where the value is longer or has
 * a zero byte.
 */
int vferry_bounded_read(const char *path, char *value, guint limit);

#endif
