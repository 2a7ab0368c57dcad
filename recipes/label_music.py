"""Label the pieces of a prepared corpus with tempo, key and loudness.

    python -m recipes.label_music data/debian_music
    python -m recipes.label_music data/my_folder/train --jobs 4

DATA is what recipes.prepare has written, or one data directory. Beside its labels.jsonl come
  music.jsonl         what was measured of each piece: tempo_bpm, tempo_stability, pulse_clarity, key, key_correlation,
                      key_stability, loudness_lufs, silence_share, and why a piece lacks one
  labels_music.jsonl  the lines of labels.jsonl, with the labels key ("A minor"), tempo (slow, medium, fast) and bpm
                      ("88 bpm") where they are clear enough, for data.labels of recipes.train_prior
The same command again goes on where it stopped. Exit codes: 0 done; 1 some pieces could not be read, each is named;
2 wrong usage; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track

from audiovq.audio.io import AudioError
from audiovq.data.corpora.utterance import SPLITS
from audiovq.data.kaldi import DataDir, Sound
from audiovq.metrics.music.piece import Measures, measure_piece
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import score_all
from audiovq.system.files import write_atomically

# Below these a label would be a guess: music without a beat has a pulse of about 0.1, noise one of 0.05.
CLEAR_PULSE, CLEAR_KEY = 0.15, 0.6
SLOW_BPM, FAST_BPM = 90.0, 125.0


def begin() -> Callable[[Sound], Scores]:
    """What measures one piece after another, in one process."""
    torch.set_num_threads(1)
    return measure


def measure(sound: Sound) -> Scores:
    """A line of music.jsonl; or, under "failed", why there is none."""
    try:
        wave, sample_rate = sound.read()
    except (AudioError, OSError) as error:
        return {"utterance": sound.utt_id, "failed": str(error)}
    values, reasons = measure_piece(wave.mean(0), sample_rate)
    return {"utterance": sound.utt_id, **values, "not_measurable": reasons}


def labels_of(measures: Measures) -> dict[str, str]:
    """The labels that are clear enough to be told to a prior."""
    labels = {}
    if measures.get("key_correlation", 0.0) >= CLEAR_KEY:
        labels["key"] = measures["key"]
    if measures.get("pulse_clarity", 0.0) >= CLEAR_PULSE:
        bpm = measures["tempo_bpm"]
        labels["tempo"] = "slow" if bpm < SLOW_BPM else "medium" if bpm < FAST_BPM else "fast"
        labels["bpm"] = f"{round(bpm)} bpm"
    return labels


def label(data: Path, num_jobs: int) -> dict[str, str]:
    """Measure what is not measured yet, write both files, and return why pieces failed.

    Raises: ValueError if there is no data directory, or a table is damaged.
    """
    folders = [folder for folder in (data, *(data / split for split in SPLITS)) if (folder / "wav.scp").exists()]
    if not folders:
        raise ValueError(
            f"{data} is no data directory and holds none: expected wav.scp, or {', '.join(SPLITS)} with it"
        )
    sounds = {sound.utt_id: sound for folder in folders for sound in DataDir.load(folder).sounds()}
    file = ScoreFile(data / "music.jsonl", {"measured": "music"})
    missing = [sound for key, sound in sounds.items() if key not in file.scores]
    print(f"{len(sounds)} pieces, {len(sounds) - len(missing)} of them measured before")
    failures = {}
    done = score_all(begin, missing, num_jobs)
    for measures in track(done, "measuring", total=len(missing), console=Console(stderr=True)):
        if "failed" in measures:
            failures[measures["utterance"]] = measures["failed"]
        else:
            file.add(measures)
    known = {}
    if (data / "labels.jsonl").exists():
        lines = (data / "labels.jsonl").read_text(encoding="utf-8").splitlines()
        known = {row["id"]: row["labels"] for row in map(json.loads, lines)}
    labels = {key: known.get(key, {}) | labels_of(file.scores[key]) for key in sounds if key in file.scores}
    with write_atomically(data / "labels_music.jsonl") as out:
        for key, found in labels.items():
            out.write((json.dumps({"id": key, "labels": found}, ensure_ascii=False) + "\n").encode())
    for name in ("tempo", "key"):
        counted = Counter(found.get(name, "not clear") for found in labels.values())
        print(f"{name}:", ", ".join(f"{value} {count}" for value, count in counted.most_common()))
    return failures


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m recipes.label_music", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", type=Path, metavar="DATA", help="a data directory, or a folder of train, valid and test"
    )
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes, of one thread each")
    given = parser.parse_args(argv)
    if given.jobs < 1:
        parser.error(f"--jobs {given.jobs}: expected 1 or more")
    try:
        failures = label(given.data, given.jobs)
    # What the data, the disk or a missing package are to blame for says so itself.
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"label_music: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("label_music: stopped; what is measured is kept, and the same command goes on", file=sys.stderr)
        return 130
    for reason in failures.values():
        print(f"label_music: {reason}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
