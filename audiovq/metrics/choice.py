"""Scores by name and by group, and which of them can be taken here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from audiovq.metrics.registry import METRICS
from audiovq.system.optional import how_to_install, is_installed

LISTENING_PACKAGES = ("faster_whisper", "jiwer")  # of the error rates

GROUPS: dict[str, Callable[[str], bool]] = {
    "speech": lambda name: name != "visqol_audio" and not METRICS[name].stereo,
    "music": lambda name: not METRICS[name].speech_only and not METRICS[name].stereo,
    "stereo": lambda name: METRICS[name].stereo,
    "all": lambda name: True,
}


def chosen_metrics(names: Sequence[str], known: Iterable[str] = METRICS) -> list[str]:
    """Metrics by name, or groups of them: "speech", "music", "stereo", "all" (the error rates are in none of them).

    Raises: ValueError for a name that nothing has.
    """
    known, chosen = list(known), []
    for name in names:
        if name in GROUPS:
            chosen += [each for each in METRICS if GROUPS[name](each)]
        elif name in known:
            chosen.append(name)
        else:
            raise ValueError(f"no metric is called {name!r}; there are {', '.join(known)}")
    return list(dict.fromkeys(chosen))


def without_absent(names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """The metrics whose packages are installed, and for each other one a line that says what to install."""
    absent = {}
    for name in names:
        needed = METRICS[name].packages if name in METRICS else LISTENING_PACKAGES
        if missing := [package for package in needed if not is_installed(package)]:
            absent[name] = f"it needs the package {missing[0]}: {how_to_install(missing[0])}"
    return [name for name in names if name not in absent], absent
