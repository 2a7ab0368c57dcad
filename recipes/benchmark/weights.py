"""Weights that the user has: nothing here downloads any."""

from __future__ import annotations

from pathlib import Path

from audiovq.system.optional import is_installed
from recipes.benchmark.codec import NotAvailableError


def find_weights(hub_name: str, given: str | None = None) -> str | None:
    """The given folder, else that of ``hub_name`` in the cache of the Hugging Face hub; None: there are none.

    Raises: NotAvailableError when a folder was given that is not there.
    """
    if given is not None:
        if not Path(given).is_dir():
            raise NotAvailableError(f"{given} is not a folder", f"expected one that holds the files of {hub_name}")
        return given
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return snapshot_download(hub_name, local_files_only=True)
    except LocalEntryNotFoundError:
        return None


def need_package(name: str) -> None:
    """Raises: NotAvailableError when it is not installed."""
    if not is_installed(name):
        raise NotAvailableError(f"the package {name} is not installed", "pip install -c constraints.txt -e '.[rivals]'")
