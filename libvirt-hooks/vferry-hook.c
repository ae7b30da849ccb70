/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's qemu hook: vferry-hook NAME OPERATION SUBOPERATION EXTRA < XML
 *
 * Nothing but libc here, see hook.h: this finds out whether there is anything to do. Where
 * there is not, the XML need not even be read: libvirt takes EPIPE for an end. It would
 * wait for us for ever, though, so there is a time limit.
 */
#include "hook.h"

#include "run-paths.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD "hostdev"
#define PIECE 65536	/* what a pipe gives at once */
#define LIMIT_SECONDS 30
#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number
#define LATE "vferry: no end after " TEXT_OF(LIMIT_SECONDS) " s: see what holds it up, " \
	     "journalctl -t vferry-hook and the kernel's log may tell\n"

/*
 * @may_fail: then libvirt does not go on. At the others that would only do harm to a
 * domain that runs, or has ended.
 */
typedef struct {
	const char *name;
	const char *sub_operation;
	const char *const *extras;
	bool may_fail;
} Operation;

static const char *const none[] = { "-", NULL };
/* Why a domain is shut off; libvirt 9 gave no reason. */
static const char *const reasons[] = {
	"-", "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed",
	"from snapshot", "daemon", NULL,
};

static const Operation operations[] = {
	{ "prepare", "begin", none, true },
	{ "started", "begin", none, false },
	{ "release", "end", reasons, false },
	{ "reconnect", "begin", none, false },
	{ "migrate", "begin", none, true },
	{ "restore", "begin", none, true },
};

static int late_status;

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* Return: what there is to do, NULL for nothing. */
static const Operation *find_operation(int argc, char **argv)
{
	const Operation *operation = operations;
	const Operation *end = operations + sizeof(operations) / sizeof(operations[0]);

	if (argc != 5)
		return NULL;
	while (operation < end && strcmp(argv[2], operation->name) != 0)
		operation++;
	return operation < end && strcmp(argv[3], operation->sub_operation) == 0 &&
	       is_one_of(argv[4], operation->extras) ? operation : NULL;
}

static void give_up(int number)
{
	(void)number;
	(void)!write(STDERR_FILENO, LATE, sizeof(LATE) - 1);
	_exit(late_status);
}

/* Whatever the caller has blocked, ignored or set in the environment does not count. */
static void set_up(void)
{
	const struct sigaction on_alarm = { .sa_handler = give_up };
	sigset_t signals;

	clearenv();
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigaction(SIGALRM, &on_alarm, NULL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	alarm(LIMIT_SECONDS);
}

/* @call: gets the XML. Return: whether it can be had; if not, standard error says why. */
static bool read_xml(VferryHookCall *call)
{
	char *text = NULL, *more;
	size_t length = 0, room;
	ssize_t got;

	do {
		room = length + PIECE;
		more = realloc(text, length + room);
		got = more ? TEMP_FAILURE_RETRY(read(STDIN_FILENO, more + length, room)) : -1;
		if (got < 0) {
			fprintf(stderr, "vferry: reading the domain's XML: %s\n", strerror(errno));
			return false;
		}
		text = more;
		length += (size_t)got;
	} while (got > 0 && length <= VFERRY_HOOK_XML_MAX);
	if (length > VFERRY_HOOK_XML_MAX) {
		fprintf(stderr, "vferry: the domain's XML is longer than %d bytes\n",
			VFERRY_HOOK_XML_MAX);
		return false;
	}
	call->xml = text;
	call->length = length;
	return true;
}

static bool any_claim(void)
{
	DIR *folder = opendir(VFERRY_CLAIMS_FOLDER);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			return true;
	return false;
}

/*
 * Whatever a domain has of us, its XML has this word: <hostdev> or type='hostdev'. So a
 * domain without a device of the host is not even parsed, and cannot fail here. One that
 * ends may have had a device that was unplugged; one that has moved away, or may have for all
 * that libvirt 9 says, may leave more than claims.
 */
static bool concerns_us(const VferryHookCall *call)
{
	const bool has_device = memmem(call->xml, call->length, WORD, strlen(WORD)) != NULL;

	if (strcmp(call->operation, "release") != 0)
		return has_device;
	return any_claim() || (has_device && (strcmp(call->extra, "migrated") == 0 ||
					      strcmp(call->extra, "-") == 0));
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "vferry: %s: %s: install vferry again\n", what, why);
	return EXIT_FAILURE;
}

static int run_module(const VferryHookCall *call)
{
	char beside[PATH_MAX + sizeof(VFERRY_HOOK_MODULE)];
	ssize_t length = readlink("/proc/self/exe", beside, PATH_MAX);
	const char *path = VFERRY_HOOK_FOLDER "/" VFERRY_HOOK_MODULE;
	VferryHookRun *entry = NULL;
	void *module;

	if (length <= 0 || length == PATH_MAX)
		return fail("/proc/self/exe", strerror(errno));
	beside[length] = '\0';
	strcpy(strrchr(beside, '/') + 1, VFERRY_HOOK_MODULE);
	if (access(beside, F_OK) == 0)
		path = beside;
	module = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	/* As POSIX has it, for C does not let one cast an object to a function. */
	if (module)
		*(void **)&entry = dlsym(module, VFERRY_HOOK_SYMBOL);
	return entry ? entry(call) : fail(path, dlerror());
}

static int run(const char *operation, const char *extra)
{
	VferryHookCall call = { .operation = operation, .extra = extra };

	if (!read_xml(&call))
		return EXIT_FAILURE;
	return concerns_us(&call) ? run_module(&call) : EXIT_SUCCESS;
}

/*
 * libvirt kills the running domain if the hook fails at reconnect, so nothing may make
 * it: the work is done by a child, and it does not count how that ends. The child keeps
 * no pipe of libvirt's that would be waited for.
 */
static int run_apart(const char *operation, const char *extra)
{
	const pid_t parent = getpid();
	const pid_t child = fork();
	int null;

	if (child < 0)
		return EXIT_SUCCESS;
	if (child > 0) {
		waitpid(child, NULL, 0);
		return EXIT_SUCCESS;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	alarm(LIMIT_SECONDS);
	_exit(run(operation, extra));
}

int main(int argc, char **argv)
{
	const Operation *operation = find_operation(argc, argv);
	int status;

	if (!operation)
		return EXIT_SUCCESS;
	late_status = operation->may_fail ? EXIT_FAILURE : EXIT_SUCCESS;
	set_up();
	if (strcmp(operation->name, "reconnect") == 0)
		return run_apart(operation->name, argv[4]);
	status = run(operation->name, argv[4]);
	/* There is nothing to flush, and freeing what was loaded takes its time. */
	_exit(operation->may_fail ? status : EXIT_SUCCESS);
}
