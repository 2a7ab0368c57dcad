"""Parts to one sorted table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import islice
from pathlib import Path

import pyarrow as pa

from audiovq.system.lock import FolderInUseError, only_run
from audiovq.tokens.layout import Layout, TokenTableError
from audiovq.tokens.parts import FAILED, Parts, save_failures
from audiovq.tokens.table import open_parquet
from audiovq.tokens.writer import ROWS_PER_GROUP, write_table

# Shards take turns along the ids, so that as many groups are open as there are shards, or two or three times as many.
_GROUPS_IN_MEMORY = 256
_SHOWN_IDS = 5

_Place = tuple[Path, int, int]  # file, row group, row


def merge(parts: Parts, ids: Sequence[str]) -> int:
    """Make a table of the parts, and failed.jsonl of what has no codes, and say how many these are. Then the parts go.

    ids: all of the data, in order. The table depends on nothing else but the sounds and the model.

    Raises: TokenTableError when an id is neither done nor failed, or codes are there of what is not in the data.
    """
    done, failures = parts.done_ids(), parts.failures()
    check_known(done, ids, parts.out)
    missing = [utt_id for utt_id in ids if utt_id not in done and utt_id not in failures]
    if missing:
        raise TokenTableError(f"{parts.out}: {shown(missing)} are still to be done: run all shards, then merge")
    failed = [failures[utt_id] for utt_id in ids if utt_id not in done]
    try:
        with only_run(parts.out):
            save_failures(parts.out / FAILED, failed)
            _add_to_table(parts, [utt_id for utt_id in ids if utt_id in done])
    except FolderInUseError as error:
        raise TokenTableError(f"{parts.out}: another process is merging into it: wait for its end") from error
    return len(failed)


def _add_to_table(parts: Parts, ids: Sequence[str]) -> None:
    new: list[Path] = []
    if parts.has_new():
        parts.take_apart()
        new = list(parts.files())
        where = _index(new, parts.layout)
        lost = [utt_id for utt_id in ids if utt_id not in where]
        if lost:
            raise TokenTableError(
                f"{parts.out}: {shown(lost)} were in a part that is damaged: do them again, then merge"
            )
        write_table(parts.out, parts.layout, _in_order(ids, where, parts.layout))
    parts.remove(new)


def check_known(found: Set[str], ids: Sequence[str], out: Path) -> None:
    """Raises: TokenTableError when there are codes of what is not in the data: a merge would lose them."""
    unknown = sorted(found - set(ids))
    if unknown:
        raise TokenTableError(f"{out} has the codes of {shown(unknown)}, not in these data: name another folder")


def shown(ids: Sequence[str]) -> str:
    """How many utterances, and the names of some."""
    names = ", ".join(ids[:_SHOWN_IDS]) + (", ..." if len(ids) > _SHOWN_IDS else "")
    return f"{len(ids)} utterances ({names})"


def _index(files: Iterable[Path], layout: Layout) -> dict[str, _Place]:
    """Where each utterance is; of one that is in several parts, with the same codes, the first."""
    where: dict[str, _Place] = {}
    for path in files:
        with open_parquet(path, layout) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["utt_id"]).column(0).to_pylist()
                for row, utt_id in enumerate(ids):
                    where.setdefault(utt_id, (path, group, row))
    return where


def _in_order(ids: Iterable[str], where: dict[str, _Place], layout: Layout) -> Iterator[pa.Table]:
    @lru_cache(maxsize=_GROUPS_IN_MEMORY)
    def read(path: Path, group: int) -> pa.Table:
        with open_parquet(path, layout) as file:
            return file.read_row_group(group)

    remaining = iter(ids)
    while wanted := list(islice(remaining, ROWS_PER_GROUP)):
        rows: dict[tuple[Path, int], list[int]] = defaultdict(list)
        for utt_id in wanted:
            path, group, row = where[utt_id]
            rows[path, group].append(row)
        tables = [read(*place).take(rows_there) for place, rows_there in rows.items()]
        table = pa.concat_tables(tables)
        position = {utt_id: row for row, utt_id in enumerate(table.column("utt_id").to_pylist())}
        yield table.take([position[utt_id] for utt_id in wanted])
