// SPDX-License-Identifier: LGPL-2.1-or-later
#include "workers.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void *workers_memory(unsigned long size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

void workers_run(const struct options *options,
		 void (*work)(const struct options *own, unsigned index, void *shared),
		 void *shared)
{
	for (unsigned i = 0; i < options->vf_count; i++) {
		struct options own = *options;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		own.vf[0] = options->vf[i];
		own.vf_count = 1;
		work(&own, i, shared);
		_exit(0);
	}
	for (unsigned i = 0; i < options->vf_count; i++) {
		int status;

		CHECK(wait(&status) > 0);
		/* A worker that failed has left its own report; this one is second. */
		CHECK_EQ(status, 0);
	}
}
