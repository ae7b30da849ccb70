# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules that the assertions of vferry.te have to catch."""

from __future__ import annotations

TYPES = """gen_require(`
	type vferry_hook_t, vferry_provision_t, vferry_arrival_t, vferry_modprobe_t, vferry_t;
	type vferry_pf_sysfs_t, vferry_vf_sysfs_t, vferry_etc_t, vferry_runtime_t, virtd_t;
	type sysfs_t, shell_exec_t, modules_object_t;
')
"""
# One of each kind of assertion in vferry.te.
BAD = (
    "allow vferry_hook_t vferry_pf_sysfs_t:file write;",
    "allow virtd_t vferry_pf_sysfs_t:file append;",
    "allow vferry_provision_t sysfs_t:file write;",
    "allow vferry_hook_t vferry_vf_sysfs_t:file relabelto;",
    "allow vferry_arrival_t vferry_vf_sysfs_t:file write;",
    "allow vferry_provision_t self:capability sys_module;",
    "allow vferry_hook_t virtd_t:process ptrace;",
    "allow vferry_provision_t modules_object_t:system module_load;",
    "allow vferry_t vferry_etc_t:file write;",
    "allow vferry_arrival_t shell_exec_t:file execute_no_trans;",
    "allow vferry_hook_t vferry_runtime_t:file execute;",
    "allow vferry_hook_t self:process execmem;",
)
