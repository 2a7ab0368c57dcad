"""Token tables to what other tools read, and back, without a loss. One module a format, with `write` and `read`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audiovq.system.files import write_atomically
from audiovq.tokens.formats import flat, jsonl, kaldi, npy, shar
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.table import TokenTable
from audiovq.tokens.writer import arrow_tables, write_table

EXPORT = "export.json"


@dataclass(frozen=True)
class Format:
    """write: into a folder that gets the name ``target`` when it is complete. read: in the order of the ids."""

    write: Callable[[TokenTable, Path, Path], None]
    read: Callable[[Path, Layout], Iterator[Entry]]


FORMATS = {
    "flat": Format(flat.write, flat.read),
    "jsonl": Format(jsonl.write, jsonl.read),
    "kaldi": Format(kaldi.write, kaldi.read),
    "npy": Format(npy.write, npy.read),
    "shar": Format(shar.write, shar.read),
}


def export_table(table: TokenTable, target: Path, name: str) -> None:
    """Write the folder ``target``: all of it appears, or nothing.

    Raises: TokenTableError when there is something already, or the format cannot hold a value.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TokenTableError(f"{target} exists: name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of an export that was killed
    part.mkdir()
    try:
        FORMATS[name].write(table, part, target)
        with write_atomically(part / EXPORT) as file:
            about = {"format": name, "num_utterances": len(table), "layout": table.layout.to_dict()}
            file.write((json.dumps(about, indent=2) + "\n").encode())
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def import_table(source: Path, out: Path) -> int:
    """Make a token table of an export, and say how many utterances it has.

    Raises: TokenTableError when it is no export, or contradicts itself.
    """
    try:
        about = json.loads((source / EXPORT).read_bytes())
        layout, chosen, expected = Layout.from_dict(about["layout"]), FORMATS[about["format"]], about["num_utterances"]
    except FileNotFoundError as error:
        raise TokenTableError(f"{source} is no export of a token table: it has no {EXPORT}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise TokenTableError(f"{source / EXPORT} cannot be read: {error!r}") from error
    entries = _counted(chosen.read(source, layout), expected, source)
    return write_table(out, layout, arrow_tables(entries, layout)).num_utterances


def _counted(entries: Iterator[Entry], expected: int, source: Path) -> Iterator[Entry]:
    num_entries = 0
    for num_entries, entry in enumerate(entries, start=1):  # noqa: B007
        yield entry
    if num_entries != expected:
        raise TokenTableError(f"{source}: holds {num_entries} utterances, but {EXPORT} says {expected}: is it cut off?")
