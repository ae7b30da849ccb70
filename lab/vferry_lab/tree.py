# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands in a copy-on-write view of a host's tree: same headers, same compiler, native speed.

The view lives in a mount namespace of the command's own. What the command
writes outside its binds is kept in memory and is gone with it.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import cache, process
from .errors import LabError

# Runs a command in $view, with $cwd. Arguments: "host:tree" binds, "--", command.
INSIDE = r"""
mount -t proc proc "$view/proc"
mount --rbind /dev "$view/dev"
mount -t tmpfs -o mode=1777 tmpfs "$view/tmp"
while [ "$1" != -- ]; do
    from=$1 to=$view/$2
    shift 2
    if [ -d "$from" ]; then
        mkdir -p "$to"
    else
        mkdir -p "$(dirname "$to")"
        : > "$to"
    fi
    mount --rbind "$from" "$to"
done
shift
exec chroot "$view" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" sh -c 'cd "$1" && shift && exec "$@"' sh "$cwd" "$@"
"""

# Mounted over in a private namespace, so all views can use the same folder.
# Arguments: mount point, tree, working folder, those of INSIDE.
ENTER = r"""
set -eu
point=$1 tree=$2 cwd=$3
shift 3
mount -t tmpfs -o mode=755 tmpfs "$point"
mkdir "$point/upper" "$point/work" "$point/view"
view=$point/view
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$point/upper,workdir=$point/work" "$view"
""" + INSIDE


def command_line(
    tree: Path,
    command: str | Sequence[str],
    binds: dict[str | Path, str] | None = None,
    cwd: str = "/",
) -> list[str]:
    """The argument vector that runs a command in a view of the tree.

    command is a shell line or an argument vector; binds maps a file or folder
    of this machine to a path in the tree, where it can be written.
    """
    point = cache.folder() / "view"
    point.mkdir(exist_ok=True)
    words: list[str] = []
    for source, target in (binds or {}).items():
        path = Path(source).absolute()
        if not path.exists():
            raise LabError(f"cannot bind {path}: there is no such file or folder")
        words += [str(path), target]
    inner = ["sh", "-c", command] if isinstance(command, str) else list(command)
    return [
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
        "sh", "-c", ENTER, "sh", str(point), str(tree), cwd, *words, "--", *inner,
    ]


def run(
    tree: Path,
    command: str | Sequence[str],
    binds: dict[str | Path, str] | None = None,
    cwd: str = "/",
    timeout: float = 600,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a view of the tree and return its output.

    Raises CommandTimeout after timeout seconds (everything it started is
    killed), CommandError for a non-zero exit unless check is False.
    """
    shown = command if isinstance(command, str) else shlex.join(command)
    return process.run(tree.parent.name, command_line(tree, command, binds, cwd), shown, timeout,
                       check=check)
