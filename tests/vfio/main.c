// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vfio-test: the migration interface of a VF, tried without a virtual machine.
 * Runs as root on the host that has the VFs.
 */
#include "bench.h"
#include "check.h"
#include "vf.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"vfio-test --vf ADDRESS [--vf ADDRESS ...] [OPTIONS] [TEST ...]\n"
	"vfio-test bench --vf ADDRESS --vf ADDRESS [--rounds N] [--json]\n"
	"vfio-test --list\n"
	"\n"
	"Tests the VFIO migration interface of VFs of one 82576 or I350 PF. The VFs\n"
	"are bound to igbvf_vfio_pci (the nic tests also pass on vfio-pci); the PF's\n"
	"interface is up. TEST is a name from --list, or its part before the dot.\n"
	"\n"
	"  --vf ADDRESS    PCI address, 0000:01:10.0; up to 8. Two for the tests that\n"
	"                  move, three for all of them, more make hostile.mutations\n"
	"                  faster\n"
	"  --seed N        of the hostile streams (default 1)\n"
	"  --mutations N   how many of them (default 10000)\n"
	"  --slowness N    times as long as usual may a test take, on a debug kernel\n"
	"  --rounds N      of bench (default 20)\n"
	"  --json          bench: one JSON object\n"
	"  --list          names of all tests\n";

static int fail(const char *why)
{
	fprintf(stderr, "vfio-test: %s; try --help\n", why);
	return 2;
}

static bool number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return *text && !*end && !errno && *value <= max;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "vf", required_argument, NULL, 'v' },
		{ "seed", required_argument, NULL, 's' },
		{ "mutations", required_argument, NULL, 'm' },
		{ "slowness", required_argument, NULL, 'w' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options options = { .seed = 1, .mutations = 10000, .rounds = 20, .slowness = 1 };
	bool json = false;
	uint64_t value;
	int letter;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (letter) {
		case 'v':
			if (options.vf_count == MAX_VFS)
				return fail("too many VFs");
			options.vf[options.vf_count++] = optarg;
			break;
		case 's':
			if (!number(optarg, UINT64_MAX, &options.seed))
				return fail("--seed wants a number");
			break;
		case 'm':
			if (!number(optarg, 100000000, &value) || !value)
				return fail("--mutations wants a number from 1");
			options.mutations = (unsigned)value;
			break;
		case 'w':
			if (!number(optarg, 100, &value) || !value)
				return fail("--slowness wants a number from 1 to 100");
			options.slowness = (unsigned)value;
			break;
		case 'r':
			if (!number(optarg, 1000, &value) || !value)
				return fail("--rounds wants a number from 1 to 1000");
			options.rounds = (unsigned)value;
			break;
		case 'j':
			json = true;
			break;
		case 'l':
			check_list();
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return fail("unknown option");
		}
	if (!options.vf_count)
		return fail("no --vf");
	vf_pf_interface(options.vf[0], options.pf, sizeof(options.pf));
	if (!options.pf[0])
		return fail("the first VF has no PF with a network interface");
	if (optind < argc && !strcmp(argv[optind], "bench")) {
		bench_run(&options, json);
		return 0;
	}
	return check_run(&options, argv + optind, argc - optind) ? 1 : 0;
}
