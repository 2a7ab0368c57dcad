"""lhotse Shar in the folder shards: cuts without sound whose arrays level_0, level_1, ... are (frames, codebooks).

Read it with ``CutSet.from_shar(in_dir="OUT/shards")`` and ``cut.load_level_0()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lhotse import CutSet, MonoCut, SupervisionSegment
from lhotse.shar import SharWriter

from audiovq.tokens.columns import level_name
from audiovq.tokens.formats.lines import about, make_entry
from audiovq.tokens.layout import Entry, Layout, TokenTableError
from audiovq.tokens.table import TokenTable
from audiovq.tokens.writer import ROWS_PER_GROUP
from audiovq.units import samples_to_seconds

SHARDS = "shards"


def write(table: TokenTable, folder: Path, target: Path) -> None:
    """Write the shards; what is known of an utterance is in its cut's custom fields, words in the supervision too."""
    levels = [level_name(level) for level in range(table.layout.num_levels)]
    # lhotse takes every file of its folder for a field of the cuts.
    (folder / SHARDS).mkdir()
    with SharWriter(str(folder / SHARDS), fields=dict.fromkeys(levels, "numpy"), shard_size=ROWS_PER_GROUP) as writer:
        for entry in table.entries():
            cut = _cut(entry, table.layout)
            for level, name in enumerate(levels):
                cut = cut.attach_tensor(name, table.layout.matrix(entry, level))
            writer.write(cut)


def read(folder: Path, layout: Layout) -> Iterator[Entry]:
    """Raises: TokenTableError for shards that are damaged or of something else."""
    names = [level_name(level) for level in range(layout.num_levels)]
    try:
        for cut in CutSet.from_shar(in_dir=folder / SHARDS):
            levels = [
                np.asarray(cut.load_custom(name)).astype(dtype)
                for name, dtype in zip(names, layout.dtypes, strict=True)
            ]
            yield make_entry(cut.custom["audiovq"], [codes.reshape(-1) for codes in levels], folder)
    except TokenTableError:
        raise
    except Exception as error:  # lhotse raises whatever its readers do
        raise TokenTableError(f"{folder}: its shards cannot be read: {error!r}") from error


def _cut(entry: Entry, layout: Layout) -> MonoCut:
    seconds = samples_to_seconds(entry.num_samples, layout.sample_rate)
    words = SupervisionSegment(
        id=entry.utt_id,
        recording_id=entry.utt_id,
        start=0,
        duration=seconds,
        text=entry.text,
        speaker=entry.speaker,
        language=entry.language,
    )
    custom = {"audiovq": about(entry)}
    return MonoCut(id=entry.utt_id, start=0, duration=seconds, channel=0, supervisions=[words], custom=custom)
