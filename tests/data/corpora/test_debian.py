"""Debian packages with stand-ins for the programs that fetch and unpack them."""

import os
from pathlib import Path

import pytest

from audiovq.data.corpora.debian import check_packages, download_packages
from audiovq.data.corpora.utterance import CorpusError

# A package is a .deb whose content is the name of its document folder.
APT = 'echo "apt-get $*" >>"$CALLS"; echo "$3" >"$3_1.0_all.deb.part"; mv "$3_1.0_all.deb.part" "$3_1%3a1.0_all.deb"'
DPKG = 'echo "dpkg-deb $1" >>"$CALLS"; mkdir -p "$3/usr/share/doc/$(cat "$2")"'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    program(folder, "apt-get", APT)
    program(folder, "dpkg-deb", DPKG)
    return folder


def program(folder: Path, name: str, act: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{act}\n")
    (folder / name).chmod(0o755)


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_only_what_is_missing_is_fetched(programs: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "one/usr/share/doc/one").mkdir(parents=True)
    (root / "two_2.0_all.deb").write_text("two")
    (root / "three_0_all.deb").touch()  # empty: a download that failed
    download_packages(root, ["one", "two", "three"])
    check_packages(root, ["one", "two", "three"])
    assert calls(tmp_path) == ["dpkg-deb -x", "apt-get download -q three", "dpkg-deb -x"]


def test_a_half_unpacked_package_is_unpacked_again(programs: Path, tmp_path: Path) -> None:
    program(programs, "dpkg-deb", "mkdir -p usr/share; exit 2")
    with pytest.raises(CorpusError, match=r"dpkg-deb -x .* failed with exit code 2: is .*one_.*deb whole\? Remove it"):
        download_packages(tmp_path / "root", ["one"])
    assert not (tmp_path / "root/one").exists()
    program(programs, "dpkg-deb", DPKG)
    download_packages(tmp_path / "root", ["one"])
    check_packages(tmp_path / "root", ["one"])


def test_a_package_that_cannot_be_had_is_named(programs: Path, tmp_path: Path) -> None:
    program(programs, "apt-get", "exit 100")
    with pytest.raises(CorpusError, match=r"apt-get download -q one failed with exit code 100: does 'apt-get update'"):
        download_packages(tmp_path / "root", ["one"])


def test_without_apt_the_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CorpusError, match=r"there is no apt-get here. Download these packages .* again: one two"):
        download_packages(tmp_path / "root", ["one", "two"])
