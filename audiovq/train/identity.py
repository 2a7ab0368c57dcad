"""A run is its fully resolved configuration: a run that goes on must be the one that was saved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

HASH_DIGITS = 12


class ChangedConfigError(ValueError):
    """Settings that differ from those of the saved run."""


def flatten(config: Mapping[str, object]) -> dict[str, object]:
    """Every value under its dotted key: optim.learning_rate. A list and an empty mapping are one value."""
    flat: dict[str, object] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{name}.{below}": inner for below, inner in flatten(value).items()}
        else:
            flat[name] = value
    return flat


def check_same_run(
    saved: Mapping[str, object], now: Mapping[str, object], allow: Sequence[str], harmless: Sequence[str]
) -> list[str]:
    """One line for each difference that `allow` or `harmless` names; a name stands for all keys below it too.

    Raises: ChangedConfigError that lists all other differences, or the names in `allow` that no key has.
    """
    before, after = flatten(saved), flatten(now)
    keys = list(dict.fromkeys([*after, *before]))
    for name in allow:
        if not any(_covers(name, key) for key in keys):
            close = get_close_matches(name, keys, n=1)
            hint = f": did you mean {close[0]}?" if close else ""
            raise ChangedConfigError(f"resume.allow names {name}, which is in neither configuration{hint}")
    differences = {
        key: f"{key}: {_shown(before, key)} -> {_shown(after, key)}"
        for key in keys
        if key not in before or key not in after or _canonical(before[key]) != _canonical(after[key])
    }
    refused = [key for key in differences if not any(_covers(name, key) for name in (*allow, *harmless))]
    if refused:
        lines = "\n  ".join(differences[key] for key in refused)
        raise ChangedConfigError(
            f"the run was saved with other settings (saved -> now):\n  {lines}\n"
            "Put the values back, choose another output_dir, or go on with the new ones by adding\n"
            f"  'resume.allow=[{','.join([*allow, *refused])}]'"
        )
    return list(differences.values())


def run_hash(config: Mapping[str, object], harmless: Iterable[str] = ()) -> str:
    """Names a run: 12 hex digits of the SHA-256 of its canonical JSON without what is harmless."""
    names = list(harmless)
    kept = {key: value for key, value in flatten(config).items() if not any(_covers(name, key) for name in names)}
    return hashlib.sha256(_canonical(kept).encode()).hexdigest()[:HASH_DIGITS]


def _covers(name: str, key: str) -> bool:
    return key == name or key.startswith(f"{name}.")


def _shown(flat: Mapping[str, object], key: str) -> str:
    return json.dumps(flat[key], ensure_ascii=False) if key in flat else "absent"


def _canonical(value: object) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: object) -> object:
    """One form for what a configuration file does not tell apart: tuples and lists, 8.0 and 8."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
