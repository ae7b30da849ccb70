/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VFERRY_TESTS_PROGRAM_TEST_H
#define VFERRY_TESTS_PROGRAM_TEST_H

#include "provision_host.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs the real program, in a process group of its own. */
class Program : public ProvisionHost {
protected:
	static constexpr const char *output = "/run/output";
	std::string said;

	/* @errors: its standard error, unless that goes where its output does */
	static pid_t start(const Names &arguments, int errors = -1)
	{
		std::vector<char *> argv = { const_cast<char *>(PROGRAM) };
		pid_t child;

		for (const std::string &argument : arguments)
			argv.push_back(const_cast<char *>(argument.c_str()));
		argv.push_back(nullptr);
		child = fork();
		if (child)
			return child;
		setpgid(0, 0);
		const int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
		dup2(fd, STDOUT_FILENO);
		dup2(errors < 0 ? fd : errors, STDERR_FILENO);
		close(fd);
		execv(argv[0], argv.data());
		_exit(127);
	}

	/* Of it and of all that it leaves behind. Return: its wait status. */
	int finish(pid_t program)
	{
		int status = 0, other;
		pid_t ended;

		while ((ended = waitpid(-1, &other, 0)) > 0)
			if (ended == program)
				status = other;
		said = read(output);
		return status;
	}

	int run(const Names &arguments)
	{
		const int status = finish(start(arguments));

		EXPECT_TRUE(WIFEXITED(status)) << status;
		return WEXITSTATUS(status);
	}

	/* A minute at most. */
	void await_driver(const std::string &vf, const std::string &driver)
	{
		for (int i = 0; i < 6000 && core.driver(vf) != driver; i++)
			usleep(10000);
		EXPECT_EQ(core.driver(vf), driver) << read(output);
	}

	void expect_said(const std::string &part)
	{
		EXPECT_NE(said.find(part), said.npos) << said;
	}
};

#endif
