"""Debian packages as a source of recordings: each is unpacked into a folder of its own, and none is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from audiovq.data.corpora.utterance import CorpusError

INSTALLED = Path("/")  # the root that means packages which are installed


def package_folder(root: Path, package: str) -> Path:
    """Where the files of a package begin."""
    return root if root == INSTALLED else root / package


def check_packages(root: Path, packages: Sequence[str]) -> None:
    """Raises: CorpusError if a package is missing, with how to get it."""
    missing = [package for package in packages if not _is_there(root, package)]
    if missing:
        raise CorpusError(
            f"{len(missing)} of {len(packages)} Debian packages are not in {root}: {' '.join(missing)}. "
            "For each of them get NAME_*.deb (apt-get download NAME; or without apt from "
            "https://packages.debian.org/bookworm/NAME) and unpack it there (dpkg-deb -x NAME_*.deb "
            f"{root}/NAME; or without dpkg: ar x NAME_*.deb data.tar.xz, then tar -xf data.tar.xz there)"
        )


def download_packages(root: Path, packages: Sequence[str]) -> None:
    """Get and unpack what is missing. A .deb that lies in `root` is not downloaded again.

    Raises: CorpusError if there is no apt-get, or a package cannot be had or unpacked.
    """
    wanted = [package for package in packages if not _is_there(root, package)]
    root.mkdir(parents=True, exist_ok=True)
    missing = [package for package in wanted if not _archives(root, package)]
    if missing and not shutil.which("apt-get"):
        raise CorpusError(
            "there is no apt-get here. Download these packages (from https://packages.debian.org/bookworm/NAME, all "
            f"architectures), put the .deb files into {root} and run this again: {' '.join(missing)}"
        )
    for package in wanted:
        if package in missing:
            _download(root, package)
        _unpack(_archives(root, package)[-1], root / package)


def _is_there(root: Path, package: str) -> bool:
    return (package_folder(root, package) / "usr/share/doc" / package).is_dir()


def _archives(root: Path, package: str) -> list[Path]:
    return sorted(path for path in root.glob(f"{package}_*.deb") if path.stat().st_size > 0)


def _download(root: Path, package: str) -> None:
    partial = root / "partial"  # apt-get writes a file of the final name bit by bit, so it gets a folder of its own
    partial.mkdir(exist_ok=True)
    _call(["apt-get", "download", "-q", package], partial, "does 'apt-get update' know the main archive of Debian?")
    for path in _archives(partial, package):
        path.replace(root / path.name)


def _unpack(archive: Path, folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    hint = f"is {archive} whole? Remove it to have it downloaded again"
    if shutil.which("dpkg-deb"):
        _call(["dpkg-deb", "-x", str(archive.resolve()), "."], partial, hint)
    else:
        _call(["ar", "x", str(archive.resolve()), "data.tar.xz"], partial, hint)
        _call(["tar", "-xJf", "data.tar.xz"], partial, hint)
        (partial / "data.tar.xz").unlink()
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)


def _call(command: list[str], folder: Path, hint: str) -> None:
    try:
        code = subprocess.run(command, cwd=folder, check=False).returncode
    except OSError as error:
        raise CorpusError(f"{command[0]} cannot be run: {error.strerror}") from error
    if code:
        raise CorpusError(f"{' '.join(command)} failed with exit code {code}: {hint}")
