# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program that was taken over might try, in each domain; all of it has to be denied."""

from __future__ import annotations

from dataclasses import dataclass

HOOK, PROVISION, ARRIVAL, MODPROBE, COMMAND = OURS = (
    "vferry_hook_t", "vferry_provision_t", "vferry_arrival_t", "vferry_modprobe_t", "vferry_t")
GUEST, LIBVIRT = "svirt_t", "virtd_t"

BUS = "/sys/bus/pci"
PF = f"{BUS}/devices/0000:01:00.0"
VF = f"{BUS}/devices/0000:01:10.0"
OTHER = f"{BUS}/devices/0000:02:00.0"  # the host's own NIC
CONFIG = "/etc/vferry/vferry.conf"
LIBVIRTD = "$(pidof libvirtd)"  # by the shell that starts it
GUESTS_PID = "$(pgrep -o qemu-system)"
MODULE = "$(modinfo -n dummy)"


@dataclass(frozen=True)
class Intrusion:
    """What is tried (see tests/enforcing), and the denial that has to be in the audit log."""

    domain: str
    action: str  # with its arguments
    kind: str
    perm: str


def _each(domains: tuple[str, ...], *rows: tuple[str, str, str]) -> list[Intrusion]:
    return [Intrusion(domain, *row) for domain in domains for row in rows]


INTRUSIONS = [
    # Devices that are nobody's business, and more of the PF than its VFs
    *_each(
        OURS,
        (f"write {PF}/remove", "file", "write"),
        (f"write {PF}/reset", "file", "write"),
        (f"write {PF}/config", "file", "write"),
        (f"write {PF}/resource0", "file", "write"),
        (f"write {OTHER}/driver_override", "file", "write"),
        (f"write {OTHER}/remove", "file", "write"),
        (f"write {BUS}/rescan", "file", "write"),
        (f"write {BUS}/drivers/igb/unbind", "file", "write"),
        (f"write {BUS}/drivers/virtio-pci/unbind", "file", "write"),
    ),
    *_each(
        (HOOK, ARRIVAL, MODPROBE, COMMAND, LIBVIRT, GUEST),
        (f"write {PF}/sriov_numvfs", "file", "write"),
        (f"write {PF}/sriov_drivers_autoprobe", "file", "write"),
        (f"label {PF}/sriov_numvfs system_u:object_r:sysfs_t:s0", "file", "relabelfrom"),
    ),
    *_each(
        (ARRIVAL, MODPROBE, LIBVIRT, GUEST),
        (f"write {VF}/driver_override", "file", "write"),
    ),
    *_each(
        (HOOK, COMMAND, LIBVIRT),
        (f"label {VF}/driver_override system_u:object_r:sysfs_t:s0", "file", "relabelfrom"),
        (f"label {OTHER}/driver_override system_u:object_r:vferry_vf_sysfs_t:s0", "file",
         "relabelfrom"),
    ),
    *_each((ARRIVAL, MODPROBE, GUEST), (f"write {BUS}/drivers_probe", "file", "write")),
    # The host
    *_each(
        OURS,
        ("read /etc/shadow", "file", "read"),
        ("read /root/.ssh/id_ed25519", "file", "read"),
        ("write /etc/passwd", "file", "write"),
        ("read /dev/mem", "chr_file", "read"),
        ("write /dev/vda", "blk_file", "write"),
        ("read /dev/kvm", "chr_file", "read"),
        ("read /dev/vfio/vfio", "chr_file", "read"),
        ("exec /usr/bin/bash", "file", "execute"),
        ("exec /usr/bin/python3", "file", "execute"),
        ("exec /usr/sbin/ip", "file", "execute"),
        ("mount /mnt", "dir", "mounton"),
        ("chroot /", "capability", "sys_chroot"),
        ("setuid 1", "capability", "setuid"),
        ("sethostname taken", "capability", "sys_admin"),
        ("mknod /run/vferry/node", "chr_file", "create"),
        ("iopl", "capability", "sys_rawio"),
        ("execmem", "process", "execmem"),
        ("socket 2 1 0", "tcp_socket", "create"),
        ("socket 2 2 0", "udp_socket", "create"),
        ("socket 2 3 1", "rawip_socket", "create"),
        ("create /usr/bin/vferry-new", "dir", "write"),
        ("create /etc/udev/rules.d/99-new.rules", "dir", "write"),
    ),
    *_each((HOOK, PROVISION, MODPROBE, COMMAND), ("socket 17 3 0", "packet_socket", "create")),
    *_each((HOOK, PROVISION, ARRIVAL), (f"module {MODULE}", "file", "read")),
    *_each((COMMAND,), (f"module {MODULE}", "capability", "sys_module")),
    # SELinux, our own programs and configuration
    *_each(
        OURS,
        ("write /sys/fs/selinux/load", "file", "write"),
        ("become /proc/self/attr/current system_u:system_r:unconfined_t:s0", "process",
         "setcurrent"),
        ("write /usr/sbin/vferry-hook", "file", "write"),
        ("write /usr/libexec/vferry/vferry-hook.so", "file", "write"),
        (f"write {CONFIG}", "file", "write"),
        (f"chmod {CONFIG}", "file", "setattr"),
        ("create /etc/vferry/new.conf", "dir", "write"),
    ),
    *_each(
        (LIBVIRT, GUEST),
        (f"write {CONFIG}", "file", "write"),
        ("create /run/vferry/new", "dir", "write"),
    ),
    # libvirt and the guests
    *_each(
        OURS,
        (f"ptrace {LIBVIRTD}", "process", "ptrace"),
        ("write /etc/libvirt/qemu.conf", "file", "write"),
        ("create /etc/libvirt/qemu/new.xml", "dir", "write"),
        ("create /var/lib/libvirt/images/new", "dir", "write"),
    ),
    *_each((HOOK, PROVISION, COMMAND), (f"ptrace {GUESTS_PID}", "process", "ptrace")),
    # Of another user, which already needs a capability
    *_each((ARRIVAL, MODPROBE), (f"ptrace {GUESTS_PID}", "capability", "sys_ptrace")),
    *_each((HOOK, PROVISION, ARRIVAL, MODPROBE), (f"kill {LIBVIRTD}", "process", "signal")),
    *_each(
        (HOOK, PROVISION, MODPROBE),
        ("connect /run/libvirt/libvirt-sock", "sock_file", "write"),
    ),
    *_each(
        (GUEST,),
        ("exec /usr/bin/vferry", "file", "execute"),
        ("exec /usr/libexec/vferry/vferry-provision", "file", "execute"),
        ("exec /usr/libexec/vferry/vferry-modprobe", "file", "execute"),
        ("list /run/vferry/claims", "dir", "read"),
        (f"read {CONFIG}", "file", "read"),
    ),
]
