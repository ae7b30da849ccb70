/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an administrator has to tell AppArmor, which libvirt's virt-aa-helper does not. */
#ifndef VFERRY_APPARMOR_H
#define VFERRY_APPARMOR_H

/* Rules for all guests that libvirt confines; Debian's abstractions/libvirt-qemu includes it. */
#define APPARMOR_GUESTS "/etc/apparmor.d/local/abstractions/libvirt-qemu"

/* Lets a guest at the VF that a network of libvirt gives it; without: docs/orchestrators.md. */
#define APPARMOR_GROUPS "/dev/vfio/[0-9]* rw,"

#endif
