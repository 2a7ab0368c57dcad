"""Lhotse cuts from a data directory."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import soundfile
from lhotse import AudioSource, CutSet, MonoCut, Recording, SupervisionSegment

from audiovq.data.kaldi import DataDir, sort_ids
from audiovq.files import write_atomically


def to_cuts(data: DataDir) -> CutSet:
    """One cut an utterance, in the order of the ids."""
    return CutSet.from_cuts(_cut(key, data) for key in sort_ids(data.wav_scp))


def _cut(key: str, data: DataDir) -> MonoCut:
    path = data.wav_scp[key]
    header = soundfile.info(path)
    recording = Recording(
        id=key,
        sources=[AudioSource("file", list(range(header.channels)), path)],
        sampling_rate=header.samplerate,
        num_samples=header.frames,
        duration=header.frames / header.samplerate,
    )
    supervision = SupervisionSegment(
        id=key,
        recording_id=key,
        start=0.0,
        duration=recording.duration,
        text=(data.text or {}).get(key),
        language=(data.utt2lang or {}).get(key),
        speaker=data.utt2spk[key],
    )
    return MonoCut(key, 0.0, recording.duration, channel=0, supervisions=[supervision], recording=recording)


def write_cuts(data: DataDir, path: Path) -> None:
    """Write the cuts as gzipped JSON lines, all of them or none."""
    # Without its time and name, so that the same cuts are the same file.
    with write_atomically(path) as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as lines:
        for cut in to_cuts(data):
            lines.write((json.dumps(cut.to_dict(), ensure_ascii=False) + "\n").encode())
