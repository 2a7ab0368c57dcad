"""Packages that only some parts of audiovq need."""

import importlib
import importlib.util
from types import ModuleType

# What no extra brings, since its own requirements do harm or weigh much: its dependencies are in the extra `eval`.
_BY_THEMSELVES = {
    "resemblyzer": "resemblyzer webrtcvad-wheels",
    "musicnn": "musicnn==0.1.0",
    "distillmos": "distillmos xls-r-sqa",
    "xls_r_sqa": "distillmos xls-r-sqa",
}


def optional_package(name: str, extra: str = "eval") -> ModuleType:
    """Import a package that an extra brings.

    Raises: ModuleNotFoundError with the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(f"this needs the package {name}: {how_to_install(name, extra)}", name=name) from error


def how_to_install(name: str, extra: str = "eval") -> str:
    """The command that brings a package."""
    if name in _BY_THEMSELVES:
        return f"pip install --no-deps {_BY_THEMSELVES[name]}"
    return f"pip install 'audiovq[{extra}]'"


def is_installed(name: str) -> bool:
    """Whether a package is there, without importing it."""
    return importlib.util.find_spec(name) is not None
