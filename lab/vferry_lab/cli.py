# SPDX-License-Identifier: LGPL-2.1-or-later
"""lab/lab: the verbs of the command line."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import cache, image, lab, process, progress, recipe, tree
from .errors import CommandError, LabError
from .lab import Lab

Verb = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # An orderly end on SIGTERM and a closed terminal as on Ctrl-C. That one too
    # is asked for: who is started in the background by a shell ignores it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return int(options.verb(options))
    except CommandError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def up(options: argparse.Namespace) -> int:
    tell = progress.to_stderr()
    the_lab = Lab(
        options.name, options.suites, options.hosts, log_dir=options.log_dir, keep=options.keep,
        memory_mib=options.memory, processors=options.processors, selinux=options.selinux,
        boot_timeout=options.timeout,
        progress=tell,
    )
    if options.keep:
        the_lab.start()
        print(_login(options.name))
        return 0
    with the_lab:
        print(f"{_login(options.name)} (or Ctrl-C)", flush=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            tell("taking the lab down")
    return 0


def execute(options: argparse.Namespace) -> int:
    host = lab.attach(options.name).host(options.host)
    host.require_running()
    command = _command(options)
    line = command[0] if len(command) == 1 else process.shell_line(command)
    tty = sys.stdin.isatty() and sys.stdout.isatty()
    return _foreground(host.ssh.command(line, tty), options.timeout)


def peer(options: argparse.Namespace) -> int:
    the_lab = lab.attach(options.name)
    return _foreground(the_lab.namespaces.peer(_command(options) or ["bash"]), options.timeout)


def copy(options: argparse.Namespace) -> int:
    *sources, target = options.paths
    if not sources:
        raise LabError("copy: name a source and a target, one of them as HOST:PATH")
    the_lab = lab.attach(options.name)
    remote = _remote(target)
    if remote:
        if any(_remote(source) for source in sources):
            raise LabError("copy from host to host: copy to this machine first")
        the_lab.host(remote[0]).copy_to(*sources, to=remote[1] or ".", timeout=options.timeout)
        return 0
    for source in sources:
        remote = _remote(source)
        if not remote:
            raise LabError(f"'{source}' and '{target}' are both here: one must be HOST:PATH")
        the_lab.host(remote[0]).copy_from(remote[1], to=target, timeout=options.timeout)
    return 0


def logs(options: argparse.Namespace) -> int:
    lab.attach(options.name).collect_logs(options.folder)
    return 0


def status(options: argparse.Namespace) -> int:
    names = lab.names()
    if not names:
        print("no lab is up")
        return 0
    print(f"{'NAME':<16} {'SUITE':<26} {'HOSTS':<24} {'UP':>8}")
    for name in names:
        facts = lab.describe(name)
        if facts is None:
            print(f"{name:<16} starting")
            continue
        the_lab = lab.attach(name)
        hosts = " ".join(
            host.name if host.running else f"{host.name}(stopped)"
            for host in the_lab.hosts
        )
        minutes = (time.time() - facts["started"]) / 60
        print(f"{name:<16} {the_lab.suite:<26} {hosts:<24} {minutes:>4.0f} min")
    return 0


def down(options: argparse.Namespace) -> int:
    for name in lab.names() if options.all else [options.name]:
        print(f"lab '{name}' {'is down' if lab.down(name) else 'was not up'}")
    return 0


def build_image(options: argparse.Namespace) -> int:
    built = image.get(options.suite, progress.to_stderr(), options.refresh)
    print(f"{built.path} (kernel {built.kernel_release})")
    return 0


def chroot(options: argparse.Namespace) -> int:
    built = image.get(options.suite, progress.to_stderr())
    binds: dict[str | Path, str] = {}
    for bind in options.bind:
        here, separator, there = bind.partition(":")
        if not separator or not there.startswith("/"):
            raise LabError(f"--bind {bind}: write it as HERE:/THERE")
        binds[here] = there
    command = _command(options) or ["bash"]
    return _foreground(tree.command_line(built.tree, command, binds, options.cwd), options.timeout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab/lab", description="Virtual hosts with SR-IOV on one machine.",
        epilog=f"Images and running labs are in {cache.DEFAULT}, or in ${cache.VARIABLE}.",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    def verb(name: str, function: Verb, text: str, named: bool = True) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(verb=function)
        if named:
            sub.add_argument("--name", default="default", help="of the lab (default: %(default)s)")
        return sub

    def suite(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--suite", default="trixie", choices=recipe.suites())

    def limit(sub: argparse.ArgumentParser, seconds: float | None) -> None:
        sub.add_argument("--timeout", type=_seconds, default=seconds, metavar="S",
                         help=f"seconds (default: {seconds or 'none'})")

    sub = verb("image", build_image, "build the image of a suite, if there is none", named=False)
    suite(sub)
    sub.add_argument("--refresh", action="store_true", help="build it although there is one")

    sub = verb("up", up, "bring hosts up; without --keep they are there until Ctrl-C")
    sub.add_argument("--suite", dest="suites", type=_suites, default="trixie", metavar="S[,S...]",
                     help=f"of the hosts, or one each (default: trixie): {', '.join(recipe.suites())}")
    sub.add_argument("--hosts", type=int, metavar="N",
                     help=f"how many, {lab.HOSTS} if not said, or one a suite")
    sub.add_argument("--memory", type=int, default=3072, metavar="MIB", help="of each host")
    sub.add_argument("--processors", type=int, default=lab.PROCESSORS, metavar="N",
                     help="of each host (default: %(default)s)")
    sub.add_argument("--selinux", action="store_true", help="in enforcing mode; Debian 13")
    sub.add_argument("--keep", action="store_true", help="return and leave it up")
    sub.add_argument("--log-dir", type=Path, metavar="DIR", help="for the logs of a failure")
    limit(sub, lab.BOOT_LIMIT)

    sub = verb("exec", execute, "run a command in a host, or log in")
    limit(sub, None)
    sub.add_argument("host")
    sub.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")

    sub = verb("peer", peer, "run a command in the traffic peer, or a shell")
    limit(sub, None)
    sub.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")

    sub = verb("copy", copy, "copy files to HOST:PATH or from there")
    limit(sub, 300)
    sub.add_argument("paths", nargs="+", metavar="PATH")

    sub = verb("logs", logs, "collect console, kernel, journal, libvirt and QEMU logs")
    sub.add_argument("folder", type=Path, metavar="DIR")

    verb("status", status, "list the labs that are up", named=False)

    sub = verb("down", down, "take a lab down")
    sub.add_argument("--all", action="store_true", help="every lab")

    sub = verb("chroot", chroot, "run a command in a private copy of a suite's tree", named=False)
    suite(sub)
    limit(sub, None)
    sub.add_argument("--bind", action="append", default=[], metavar="HERE:/THERE")
    sub.add_argument("--cwd", default="/", metavar="DIR")
    sub.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _suites(text: str) -> str | list[str]:
    """A suite for all hosts, or one each."""
    names = text.split(",")
    for name in names:
        if name not in recipe.suites():
            raise argparse.ArgumentTypeError(
                f"no suite '{name}': there are {', '.join(recipe.suites())}")
    return names if len(names) > 1 else text


def _command(options: argparse.Namespace) -> list[str]:
    words: list[str] = options.command
    if words[:1] == ["--"]:
        return words[1:]
    if words and words[0].startswith("-"):
        raise LabError(f"{words[0]}: options stand before the host and the command")
    return words


def _remote(path: str) -> tuple[str, str] | None:
    """host1:/x is ('host1', '/x'); a path with a slash before its colon is a local one."""
    name, separator, rest = path.partition(":")
    return (name, rest) if separator and "/" not in name else None


def _foreground(arguments: list[str], timeout: float | None) -> int:
    """Run with this terminal; exit status 124 after the time limit, as timeout(1) has it."""
    child = subprocess.Popen(arguments)
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        print(f"lab: not done within {timeout:g} s", file=sys.stderr)
        return 124
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def _login(name: str) -> str:
    tool = os.path.relpath(Path(__file__).resolve().parent.parent / "lab")
    tool = tool if "/" in tool else f"./{tool}"
    option = "" if name == "default" else f" --name {name}"
    return f"up; log in: {tool} exec{option} host1   take down: {tool} down{option}"


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
