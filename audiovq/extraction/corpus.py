"""Sounds of a corpus to a token table: restartable, in shards, on any number of processes and machines."""

from __future__ import annotations

import dataclasses
import heapq
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from audiovq.data.kaldi import DataDir, Sound, sort_ids
from audiovq.data.kaldi.usable import row_places
from audiovq.extraction.encoding import Model, Outcome
from audiovq.extraction.pool import encode_sounds
from audiovq.tokenizer import Tokenizer
from audiovq.tokens.layout import Entry, Layout
from audiovq.tokens.merge import check_known, merge
from audiovq.tokens.parts import Failure, Parts

PART_ENTRIES = 256
PART_SECONDS = 60.0  # a killed process loses no more than either


@dataclass(frozen=True)
class Shard:
    """Every ``num_shards``-th utterance of the sorted ids, from number ``shard_id`` on."""

    shard_id: int = 0
    num_shards: int = 1

    def __str__(self) -> str:
        return f"{self.shard_id}-of-{self.num_shards}"


class Extraction:
    """The part of a corpus that one call is to tokenise, without what earlier calls did, of whatever shards.

    Args:
        unusable: sounds with a problem, in the order of their ids: they fail.
        folder: where the data's tables are, so that of failures the rows can be named.
    Raises: TokenTableError when the folder holds codes of another model, or of what is not in the data; ModelError.
    """

    def __init__(
        self,
        data: DataDir,
        out: Path,
        model: Model,
        shard: Shard,
        unusable: Sequence[Sound] = (),
        folder: Path | None = None,
    ) -> None:
        self.data, self.model, self.shard, self.folder = data, model, shard, folder
        self.ids = sort_ids([*data.ids, *(sound.utt_id for sound in unusable)])
        self.parts = Parts(out, layout_of(model.load()))
        done = self.parts.done_ids()
        check_known(done, self.ids, out)
        sounds = heapq.merge(data.sounds(), unusable, key=lambda sound: sound.utt_id)
        mine = list(islice(sounds, shard.shard_id, None, shard.num_shards))
        self.todo: list[Sound] = [sound for sound in mine if sound.utt_id not in done]
        self.num_done = len(mine) - len(self.todo)

    def run(
        self, todo: Sequence[Sound], num_processes: int, batch_size: int, part_entries: int = PART_ENTRIES
    ) -> Generator[Outcome, None, None]:
        """Tokenise, and yield what became of each utterance. Whatever ends this, what was yielded is kept.

        A kill or a power failure may cost the last ``part_entries`` of them, or the last minute.
        """
        if not todo:
            return
        entries: list[Entry] = []
        failures: list[Failure] = []
        last_write = time.monotonic()

        def write() -> None:
            nonlocal last_write
            if entries:
                self.parts.write(entries)
                entries.clear()
            self.parts.write_failures(str(self.shard), failures)
            last_write = time.monotonic()

        try:
            with closing(encode_sounds(todo, self.model, num_processes, batch_size)) as outcomes:
                for sound, result in outcomes:
                    if isinstance(result, Entry):
                        entries.append(self._described(result))
                    else:
                        failures.append(Failure(sound.utt_id, sound.source, result))
                    yield sound, result
                    if len(entries) >= part_entries or time.monotonic() - last_write > PART_SECONDS:
                        write()
        finally:
            failures[:] = self._placed(failures)  # once: it reads the whole of a table
            write()

    def merge(self) -> int:
        """Make the table of what all shards did, and say how many utterances have failed.

        Raises: TokenTableError when a shard is not through.
        """
        return merge(self.parts, self.ids)

    def _placed(self, failures: list[Failure]) -> list[Failure]:
        """With the rows of the data's tables that they stand in."""
        if self.folder is None or not failures:
            return failures
        places = row_places(self.folder, {failure.utt_id for failure in failures})
        return [dataclasses.replace(failure, where=places.get(failure.utt_id, "")) for failure in failures]

    def _described(self, entry: Entry) -> Entry:
        data, utt_id = self.data, entry.utt_id
        return dataclasses.replace(
            entry,
            speaker=data.utt2spk.get(utt_id),
            text=(data.text or {}).get(utt_id),
            language=(data.utt2lang or {}).get(utt_id),
        )


def layout_of(tokenizer: Tokenizer) -> Layout:
    """What the tokenizer's codes look like."""
    return Layout(
        model=tokenizer.model_id,
        sample_rate=tokenizer.sample_rate,
        hop_lengths=tokenizer.hop_lengths,
        codebook_sizes=tokenizer.codebook_sizes,
        num_codebooks=tokenizer.num_codebooks,
    )
