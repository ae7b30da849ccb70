/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hook proper, a module of its own: loading what it is linked with takes longer than
 * most calls of a hook last, and most of them have nothing to do. vferry-hook.c decides
 * that first, and then loads this.
 */
#ifndef VFERRY_HOOK_H
#define VFERRY_HOOK_H

#include <stddef.h>

/* In VFERRY_HOOK_FOLDER, or beside the program as it is built. */
#define VFERRY_HOOK_MODULE "vferry-hook.so"
#define VFERRY_HOOK_SYMBOL "vferry_hook_run"

/* Longest XML that is read, as VFERRY_XML_SIZE_MAX has it. */
#define VFERRY_HOOK_XML_MAX (16 * 1024 * 1024)

/**
 * VferryHookCall - one call by libvirt
 * @operation: prepare, started, release, reconnect, migrate or restore
 * @extra: libvirt's extra argument
 * @xml: the domain's, hostile
 * @length: bytes of it, at most VFERRY_HOOK_XML_MAX
 */
typedef struct {
	const char *operation;
	const char *extra;
	const char *xml;
	size_t length;
} VferryHookCall;

/**
 * vferry_hook_run() - do an operation
 *
 * The process has to end then: memory is not given back, for that takes its time.
 *
 * Return: the exit status; what is wrong is on standard error, in one line.
 */
int vferry_hook_run(const VferryHookCall *call);

typedef int VferryHookRun(const VferryHookCall *call);

#endif
