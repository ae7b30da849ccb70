/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * intruder NAME ACTION ARGUMENT...: tries one thing, as a program that was taken over would.
 *
 * Exit status: 0 it could; the errno otherwise. NAME is how the audit log shall call it. What
 * is opened is not read or written, so that nothing happens where a policy fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <netinet/in.h>
#include <unistd.h>

typedef int Action(char **arguments);

static int try_read(char **a) { return open(a[0], O_RDONLY | O_NONBLOCK); }
static int try_write(char **a) { return open(a[0], O_WRONLY | O_NONBLOCK); }
static int try_create(char **a) { return open(a[0], O_WRONLY | O_CREAT | O_EXCL, 0600); }
static int try_unlink(char **a) { return unlink(a[0]); }
static int try_chmod(char **a) { return chmod(a[0], 0777); }
static int try_exec(char **a) { return execl(a[0], a[0], "--version", NULL); }
static int try_list(char **a) { return open(a[0], O_RDONLY | O_DIRECTORY); }
static int try_mknod(char **a) { return mknod(a[0], S_IFCHR | 0600, 0); }
static int try_ptrace(char **a) { return (int)ptrace(PTRACE_SEIZE, atoi(a[0]), 0, 0); }
static int try_kill(char **a) { return kill(atoi(a[0]), SIGCONT); }
static int try_chroot(char **a) { return chroot(a[0]); }
static int try_mount(char **a) { return mount("none", a[0], "tmpfs", 0, NULL); }
static int try_setuid(char **a) { return setuid((uid_t)atoi(a[0])); }
static int try_sethostname(char **a) { return sethostname(a[0], strlen(a[0])); }
static int try_iopl(char **a) { (void)a; return iopl(3); }

static int try_label(char **a)
{
	return setxattr(a[0], "security.selinux", a[1], strlen(a[1]) + 1, 0);
}

static int try_become(char **a)
{
	const int fd = open(a[0], O_WRONLY);

	return fd < 0 || write(fd, a[1], strlen(a[1])) < 0 ? -1 : 0;
}

static int try_module(char **a)
{
	const int fd = open(a[0], O_RDONLY);

	return fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, "", 0);
}

static int try_socket(char **a)
{
	return socket(atoi(a[0]), atoi(a[1]), atoi(a[2]));
}

static int try_connect(char **a)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, a[0], sizeof(address.sun_path) - 1);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static int try_execmem(char **a)
{
	(void)a;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED ? -1 : 0;
}

static const struct {
	const char *name;
	int arguments;
	Action *action;
} actions[] = {
	{ "read", 1, try_read },       { "write", 1, try_write },     { "create", 1, try_create },
	{ "unlink", 1, try_unlink },   { "chmod", 1, try_chmod },     { "exec", 1, try_exec },
	{ "list", 1, try_list },       { "mknod", 1, try_mknod },     { "ptrace", 1, try_ptrace },
	{ "kill", 1, try_kill },       { "chroot", 1, try_chroot },   { "mount", 1, try_mount },
	{ "setuid", 1, try_setuid },   { "sethostname", 1, try_sethostname },
	{ "iopl", 0, try_iopl },       { "label", 2, try_label },     { "become", 2, try_become },
	{ "module", 1, try_module },   { "socket", 3, try_socket },   { "connect", 1, try_connect },
	{ "execmem", 0, try_execmem },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(argv[2], actions[i].name) != 0 || argc - 3 != actions[i].arguments)
			continue;
		prctl(PR_SET_NAME, argv[1]);
		return actions[i].action(argv + 3) < 0 ? errno : 0;
	}
	return 255;
}
