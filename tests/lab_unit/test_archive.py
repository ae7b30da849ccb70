# SPDX-License-Identifier: LGPL-2.1-or-later
"""The image is built from where the machine's own apt gets its packages."""

import pytest
from vferry_lab import archive
from vferry_lab.errors import LabError
from vferry_lab.recipe import Pocket

TARGETS = """\
Debian|Debian|http://first.example/debian/
Debian|Debian-Security|http://first.example/security/
Debian|Debian|http://second.example/debian/
Somebody|Debian|http://third.example/
||http://fourth.example/
"""


def test_first_of_each_archive_counts() -> None:
    assert archive.parse_targets(TARGETS) == {
        "debian": "http://first.example/debian/",
        "security": "http://first.example/security/",
    }


def test_sources_use_the_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_apt", lambda *command: TARGETS)
    text = archive.sources((Pocket("debian", "one"), Pocket("security", "one-security")))
    assert [line.split("] ")[1] for line in text.splitlines()] == [
        "http://first.example/debian/ one main",
        "http://first.example/security/ one-security main",
    ]


def test_machine_without_debian_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_apt", lambda *command: "")
    with pytest.raises(LabError, match="no source for the 'debian' archive"):
        archive.sources((Pocket("debian", "one"),))


def test_only_what_reaches_the_archive_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = (
        'Acquire::http::Proxy "http://proxy.example:3128";\n'
        'Acquire::https::Proxy "";\n'
        'APT::Install-Recommends "true";\n'
    )
    monkeypatch.setattr(archive, "_apt", lambda *command: dump)
    assert archive.options() == ['Acquire::http::Proxy "http://proxy.example:3128";']
