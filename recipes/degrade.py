"""Copy a data directory as other pitches, rooms, noises or narrow bands would give it, to score models on.

    python -m recipes.degrade data/test noise -o data/test_noise
    python -m recipes.degrade data/test room -o data/test_room --num-utterances 240
    python -m recipes.evaluate model=speech-16k data=data/test_noise output_dir=exp/scores_noise

Every utterance is degraded, with what the training settings data.augment do to a share of theirs at their defaults.
What is written once is not written again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from audiovq.audio import io
from audiovq.data.degrade import AugmentConfig, degrade
from audiovq.data.item_random import item_seed
from audiovq.data.kaldi import DataDir
from audiovq.data.subset import balanced_subset

Value = TypeVar("Value")
KINDS = ("pitch", "room", "noise", "band")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m recipes.degrade", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", metavar="DATA", type=Path, help="a Kaldi data directory of mono recordings")
    parser.add_argument("kinds", nargs="+", choices=KINDS, metavar="KIND", help=f"of {', '.join(KINDS)}")
    parser.add_argument("-o", dest="out", type=Path, required=True, help="the data directory to write")
    parser.add_argument("--num-utterances", type=int, default=0, metavar="N", help="evenly over the voices; 0: all")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
    given = parser.parse_args(argv)
    try:
        copy(DataDir.load(given.data), given.kinds, given.out, given.num_utterances, given.seed)
    except (ValueError, OSError) as error:
        print(f"degrade: {error}", file=sys.stderr)
        return 1
    print(given.out)
    return 0


def copy(data: DataDir, kinds: Sequence[str], out: Path, num_utterances: int, seed: int) -> None:
    """Write sounds and tables. Raises: ValueError for segments or several channels, of which it knows nothing."""
    if data.segments is not None:
        raise ValueError("expected recordings that are whole utterances, got segments")
    shares = {kind: float(kind in kinds) for kind in KINDS}
    config = AugmentConfig(
        pitch_share=shares["pitch"],
        room_share=shares["room"],
        noise_share=shares["noise"],
        band_share=shares["band"],
    )
    chosen = balanced_subset(data.utt2spk, num_utterances or len(data.utt2spk), seed)
    folder = (out / "wavs").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{quote(name, safe='')}.wav" for name in chosen}
    for name, path in paths.items():
        if path.exists():
            continue
        wave, sample_rate = io.read(data.wav_scp[name])
        if len(wave) != 1:
            raise ValueError(f"{data.wav_scp[name]}: expected a mono recording, got {len(wave)} channels")
        io.write(path, degrade(wave, sample_rate, item_seed(seed, name), config), sample_rate)
    DataDir(
        wav_scp={name: str(path) for name, path in paths.items()},
        utt2spk={name: data.utt2spk[name] for name in chosen},
        text=_only(data.text, chosen),
        utt2lang=_only(data.utt2lang, chosen),
        utt2dur=_only(data.utt2dur, chosen),
    ).save(out)


def _only(table: dict[str, Value] | None, names: Sequence[str]) -> dict[str, Value] | None:
    return None if table is None else {name: table[name] for name in names}


if __name__ == "__main__":
    sys.exit(main())
