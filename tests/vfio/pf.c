// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pf_link(const struct options *options, const char *format, ...)
{
	char what[128], command[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	snprintf(command, sizeof(command), "ip link set dev %s %s", options->pf, what);
	CHECK_IN(system(command) == 0, "%s", command);
}

void pf_link_after(const struct options *options, const char *what, unsigned number)
{
	check_after("ip link set dev %s vf %u %s", options->pf, number, what);
}

void pf_down(const struct options *options)
{
	check_after("ip link set dev %s up", options->pf);
	pf_link(options, "down");
}

void pf_up(const struct options *options)
{
	uint64_t deadline = now_ns() + 20000000000ULL;
	char path[128], state[16] = "";

	pf_link(options, "up");
	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", options->pf);
	while (strncmp(state, "up", 2)) {
		FILE *file = fopen(path, "r");

		CHECK(file && now_ns() < deadline);
		if (!fgets(state, sizeof(state), file))
			state[0] = '\0';
		fclose(file);
		usleep(20000);
	}
}

