"""The manifests of lhotse for a data directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from gzip import GzipFile
from json import dumps
from pathlib import Path
from typing import Protocol

from lhotse import AudioSource, MonoCut, MultiCut, Recording, SupervisionSegment
from lhotse.cut import Cut

from audiovq.data.kaldi.datadir import DataDir
from audiovq.data.kaldi.sounds import is_command, open_source
from audiovq.data.kaldi.tables import sort_ids
from audiovq.system.files import write_atomically


class _Item(Protocol):
    """Whatever lhotse can write down."""

    def to_dict(self) -> dict[str, object]: ...


def write_manifests(data: DataDir, folder: Path) -> None:
    """Write recordings.jsonl.gz, supervisions.jsonl.gz and cuts.jsonl.gz.

    Raises: AudioError for a sound that cannot be read; nothing is written then.
    """
    recordings = to_recordings(data)
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(recordings.values(), folder / "recordings.jsonl.gz")
    write_manifest(to_supervisions(data, recordings), folder / "supervisions.jsonl.gz")
    write_manifest(to_cuts(data, recordings), folder / "cuts.jsonl.gz")


def write_manifest(items: Iterable[_Item], path: Path) -> None:
    """Write gzipped JSON lines, all of them or none."""
    # Without its time and name, so that the same items are the same file.
    with write_atomically(path) as file, GzipFile("", "wb", fileobj=file, mtime=0) as lines:
        for item in items:
            lines.write((dumps(item.to_dict(), ensure_ascii=False) + "\n").encode())


def to_recordings(data: DataDir) -> dict[str, Recording]:
    """The recordings, in the order of their ids; each is opened, and each command is run, for its rate and length.

    Raises: AudioError for a sound that cannot be read.
    """
    return {key: _recording(key, data.wav_scp[key]) for key in sort_ids(data.wav_scp)}


def to_supervisions(data: DataDir, recordings: dict[str, Recording]) -> Iterator[SupervisionSegment]:
    """What is known about each utterance, in the order of their ids; times are those in the recording."""
    return (_supervision(key, data, recordings) for key in data.ids)


def to_cuts(data: DataDir, recordings: dict[str, Recording]) -> Iterator[Cut]:
    """One cut an utterance, in the order of the ids."""
    return (_cut(key, data, recordings) for key in data.ids)


def _recording(key: str, source: str) -> Recording:
    with open_source(source) as reader:
        return Recording(
            id=key,
            sources=[
                AudioSource(
                    type="command" if is_command(source) else "file",
                    channels=list(range(reader.num_channels)),
                    source=source.rstrip().removesuffix("|").rstrip() if is_command(source) else source,
                )
            ],
            sampling_rate=reader.sample_rate,
            num_samples=reader.num_samples,
            duration=reader.num_samples / reader.sample_rate,
        )


def _supervision(key: str, data: DataDir, recordings: dict[str, Recording]) -> SupervisionSegment:
    recording, start, duration = _place(key, data, recordings)
    speaker = data.utt2spk[key]
    return SupervisionSegment(
        id=key,
        recording_id=recording.id,
        start=start,
        duration=duration,
        channel=0 if recording.num_channels == 1 else recording.channel_ids,
        text=(data.text or {}).get(key),
        language=(data.utt2lang or {}).get(key),
        speaker=speaker,
        gender=data.others.get("spk2gender", {}).get(speaker),
    )


def _place(key: str, data: DataDir, recordings: dict[str, Recording]) -> tuple[Recording, float, float]:
    """The recording of an utterance, where it starts in it, and how long it is."""
    if data.segments is None:
        return recordings[key], 0.0, recordings[key].duration
    recording, start, end = data.segments[key]
    return recordings[recording], start, min(end, recordings[recording].duration) - start


def _cut(key: str, data: DataDir, recordings: dict[str, Recording]) -> Cut:
    recording, start, duration = _place(key, data, recordings)
    supervision = _supervision(key, data, recordings)
    supervision.start = 0.0  # in a cut, times are those of the cut
    mono = recording.num_channels == 1
    return (MonoCut if mono else MultiCut)(
        id=key,
        start=start,
        duration=duration,
        channel=supervision.channel,
        supervisions=[supervision],
        recording=recording,
    )
