"""Packages that only some parts of audiovq need."""

import importlib
import importlib.util
from types import ModuleType


def optional_package(name: str, extra: str = "eval") -> ModuleType:
    """Import a package that an extra brings.

    Raises: ModuleNotFoundError naming the extra that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(
            f"this needs the package {name}: pip install 'audiovq[{extra}]'", name=name
        ) from error


def is_installed(name: str) -> bool:
    """Whether a package is there, without importing it."""
    return importlib.util.find_spec(name) is not None
