"""A data directory in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from audiovq.audio.io import AudioError
from audiovq.data.kaldi.sounds import Sound
from audiovq.data.kaldi.tables import KINDS, DataDirError, Problem, parse_segment, read_tables, sort_ids, write_table


class Segment(NamedTuple):
    """A part of a recording."""

    recording: str
    start_seconds: float
    end_seconds: float


@dataclass
class DataDir:
    """The tables of a data directory. Those of utterances have the same keys; one without words has an empty text.

    Args:
        wav_scp: the path of each recording's sound, or a command that writes it, followed by |.
        segments: the part of a recording that each utterance is; None: each recording is the utterance of its name.
        others: the tables that only Kaldi uses, such as feats.scp and spk2gender, as they are.
    """

    wav_scp: dict[str, str]
    utt2spk: dict[str, str]
    text: dict[str, str] | None = None
    utt2lang: dict[str, str] | None = None
    utt2dur: dict[str, float] | None = None
    segments: dict[str, Segment] | None = None
    reco2dur: dict[str, float] | None = None
    others: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The utterances, in order."""
        return sort_ids(self.wav_scp if self.segments is None else self.segments)

    @property
    def spk2utt(self) -> dict[str, list[str]]:
        """The utterances of each speaker."""
        utterances = defaultdict(list)
        for utterance in sort_ids(self.utt2spk):
            utterances[self.utt2spk[utterance]].append(utterance)
        return dict(utterances)

    def sounds(self) -> Iterator[Sound]:
        """The sound of every utterance, in the order of the ids.

        Raises: DataDirError if there is a segment of a recording that is not in wav.scp.
        """
        if self.segments is None:
            yield from (Sound(utterance, self.wav_scp[utterance]) for utterance in self.ids)
            return
        for utterance in self.ids:
            recording, start, end = self.segments[utterance]
            if recording not in self.wav_scp:
                raise DataDirError(f"segments: {utterance} is a part of {recording}, which is not in wav.scp")
            yield Sound(utterance, self.wav_scp[recording], start, end)

    def select(self, utterances: Collection[str]) -> DataDir:
        """The directory of some of the utterances: every table with only what belongs to them."""
        kept = set(utterances)
        if self.segments is None:
            recordings = kept
        else:
            recordings = {self.segments[utterance].recording for utterance in kept if utterance in self.segments}
        speakers = {self.utt2spk[utterance] for utterance in kept if utterance in self.utt2spk}
        keys = {"utterance": kept, "recording": recordings, "speaker": speakers}
        return DataDir(
            wav_scp=_part(self.wav_scp, recordings),
            utt2spk=_part(self.utt2spk, kept),
            text=None if self.text is None else _part(self.text, kept),
            utt2lang=None if self.utt2lang is None else _part(self.utt2lang, kept),
            utt2dur=None if self.utt2dur is None else _part(self.utt2dur, kept),
            segments=None if self.segments is None else _part(self.segments, kept),
            reco2dur=None if self.reco2dur is None else _part(self.reco2dur, recordings),
            others={name: _part(table, keys[KINDS[name].keyed_by]) for name, table in self.others.items()},
        )

    def in_segments(self) -> DataDir:
        """The same utterances as segments, each of all of its recording.

        Raises: AudioError when the length of a sound is not known and cannot be read.
        """
        known = self.utt2dur or self.reco2dur or {}
        seconds = {sound.utt_id: known.get(sound.utt_id) or sound.seconds() for sound in self.sounds()}
        whole = {utterance: Segment(utterance, 0.0, seconds[utterance]) for utterance in self.ids}
        return replace(self, segments=whole, reco2dur=seconds)

    def tables(self) -> dict[str, dict[str, str]]:
        """The tables that are there, as they are written: the values are text."""
        durations = {"utt2dur": self.utt2dur, "reco2dur": self.reco2dur}
        tables = {
            "segments": None
            if self.segments is None
            else {key: f"{part.recording} {part[1]:.6f} {part[2]:.6f}" for key, part in self.segments.items()},
            "text": self.text,
            "utt2lang": self.utt2lang,
            **{
                name: None if table is None else {key: f"{seconds:.6f}" for key, seconds in table.items()}
                for name, table in durations.items()
            },
            **self.others,
            "utt2spk": self.utt2spk,
            "spk2utt": {speaker: " ".join(utterances) for speaker, utterances in self.spk2utt.items()},
            "wav.scp": self.wav_scp,  # last: a folder with it is complete
        }
        return {name: table for name, table in tables.items() if table is not None}

    def save(self, path: str | Path) -> None:
        """Write the tables, each through a temporary file, so that none is ever seen half written.

        Tables that the folder has and the directory lacks are removed. Utterances without words get what lhotse needs
        to read them, which `load` takes away again: segments of whole recordings, or beside segments an empty text.
        Raises: DataDirError for an id or a value that would not come back from a file.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        tables = self._with_words_optional().tables()
        for name in KINDS:
            if name not in tables:
                (folder / name).unlink(missing_ok=True)
        for name, table in tables.items():
            write_table(folder / name, table)

    @classmethod
    def load(cls, path: str | Path) -> DataDir:
        """Read a data directory.

        Raises: DataDirError if a table is missing or malformed, with every such problem.
        """
        problems: list[Problem] = []
        tables = read_tables(Path(path), problems, needed=("wav.scp", "utt2spk"))
        rows = {name: table.rows for name, table in tables.items()}
        if problems:
            raise DataDirError("\n".join(map(str, problems)))
        return cls.from_rows(rows)

    @classmethod
    def from_rows(cls, rows: dict[str, dict[str, str]]) -> DataDir:
        """The directory of these tables, whose values are all well formed."""
        rows = _without_fillers(rows)
        durations = {
            name: {key: float(value) for key, value in rows[name].items()} if name in rows else None
            for name in ("utt2dur", "reco2dur")
        }
        segments = rows.get("segments")
        known = {"wav.scp", "utt2spk", "spk2utt", "text", "utt2lang", "utt2dur", "segments", "reco2dur"}
        return cls(
            wav_scp=rows["wav.scp"],
            utt2spk=rows["utt2spk"],
            text=rows.get("text"),
            utt2lang=rows.get("utt2lang"),
            segments=None if segments is None else {key: Segment(*parse_segment(segments[key])) for key in segments},
            others={name: table for name, table in rows.items() if name not in known},
            **durations,
        )

    def _with_words_optional(self) -> DataDir:
        """With the tables that lhotse wants where there are utterances without words.

        Its load_kaldi_data_dir stops at a text without words unless there are segments, and at segments without a text.
        """
        if self.segments is not None:
            return self if self.text is not None else replace(self, text=dict.fromkeys(self.segments, ""))
        if self.text is None or all(self.text.values()):
            return self
        try:
            return self.in_segments()
        except AudioError:  # a sound that nobody can read keeps nothing from being written; validate names it
            return self


def _without_fillers(rows: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Without what `save` adds where there are utterances without words."""
    if "segments" not in rows or "text" not in rows or all(rows["text"].values()):
        return rows
    segments, seconds, gone = rows["segments"], rows.get("reco2dur", {}), set[str]()
    if all(parse_segment(part) == (key, 0.0, float(seconds.get(key, "nan"))) for key, part in segments.items()):
        gone = {"segments", "reco2dur"} if rows.get("utt2dur") == seconds else {"segments"}
    elif not any(rows["text"].values()):
        gone = {"text"}
    return {name: table for name, table in rows.items() if name not in gone}


_Value = TypeVar("_Value")


def _part(table: dict[str, _Value], keys: Collection[str]) -> dict[str, _Value]:
    if len(keys) < len(table):
        return {key: table[key] for key in keys if key in table}
    return {key: value for key, value in table.items() if key in keys}
