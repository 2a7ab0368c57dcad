"""Small data directories, whole and broken."""

from pathlib import Path

import numpy as np
import soundfile

from audiovq.data.kaldi import DataDir, Segment

RATE = 16000


def write_wav(path: Path, num_samples: int = RATE // 2, rate: int = RATE, channels: int = 1, seed: int = 0) -> str:
    samples = np.random.default_rng(seed).uniform(-0.1, 0.1, (num_samples, channels))
    soundfile.write(path, samples, rate)
    return str(path)


def whole_files(folder: Path) -> DataDir:
    """Three utterances whose order by bytes is not the order of most alphabets."""
    ids = ["anna-01", "Zoë-1", "bob-007"]
    return DataDir(
        wav_scp={key: write_wav(folder / f"{number}.wav", seed=number) for number, key in enumerate(ids)},
        utt2spk={key: key.split("-")[0] for key in ids},
        text={"anna-01": "eins zwei", "Zoë-1": "ñandú  日本", "bob-007": ""},
        utt2lang=dict.fromkeys(ids, "de"),
        utt2dur=dict.fromkeys(ids, 0.5),
        others={"spk2gender": {"Zoë": "f", "anna": "f", "bob": "m"}},
    )


def segments(folder: Path) -> DataDir:
    """Six utterances of two speakers in two recordings of two seconds."""
    parts = {
        f"{speaker}-{number}": Segment(f"{speaker}_rec", 0.5 * number, 0.5 * number + 0.25)
        for speaker in ("anna", "bob")
        for number in range(3)
    }
    recordings = sorted({part.recording for part in parts.values()})
    return DataDir(
        wav_scp={key: write_wav(folder / f"{key}.wav", 2 * RATE, seed=len(key)) for key in recordings},
        utt2spk={key: key.split("-")[0] for key in parts},
        text={key: f"words of {key}" for key in parts},
        utt2dur=dict.fromkeys(parts, 0.25),
        segments=parts,
        reco2dur=dict.fromkeys(recordings, 2.0),
    )


def saved(data: DataDir, folder: Path) -> Path:
    data.save(folder)
    return folder
