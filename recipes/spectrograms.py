"""Draw held-out recordings before and after a model, one above the other, to look for what scores do not show.

    python -m recipes.spectrograms speech-16k data/test -o spectrograms.jpg
    python -m recipes.spectrograms exp/my_run/model data/test -o spectrograms.jpg --clips 6 --vocoder griffin-lim

The voices take turns. Frequencies are linear: stripes, holes and metallic bands show best so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

import audiovq
from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.data.kaldi import DataDir
from audiovq.data.subset import balanced_subset
from audiovq.report.pictures import LOWEST_DB, decibels
from audiovq.system.optional import optional_package
from audiovq.tokenizer import Tokenizer

MIN_SECONDS, SHOWN_SECONDS = 1.0, 3.0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m recipes.spectrograms", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a bundled model or a model's folder")
    parser.add_argument("data", type=Path, help="a Kaldi data directory")
    parser.add_argument("-o", dest="out", type=Path, required=True, help="a picture: .jpg, .png, .pdf ...")
    parser.add_argument("--clips", type=int, default=6, metavar="N", help="how many (default: 6)")
    parser.add_argument("--vocoder", metavar="NAME|DIR", help="as of audiovq decode")
    given = parser.parse_args(argv)
    try:
        tokenizer = audiovq.load(given.model, vocoder=given.vocoder)
        draw(pairs(tokenizer, DataDir.load(given.data), given.clips), tokenizer.sample_rate, given.out)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"spectrograms: {error}", file=sys.stderr)
        return 1
    print(given.out)
    return 0


def pairs(tokenizer: Tokenizer, data: DataDir, num_clips: int) -> list[tuple[str, Tensor, Tensor]]:
    """Name, original and decoded sound (T,) of utterances that are long enough, from the voices in turn.

    Raises: ValueError when there are too few.
    """
    found: list[tuple[str, Tensor, Tensor]] = []
    for name in balanced_subset(data.utt2spk, len(data.utt2spk), seed=1):
        wave, sample_rate = io.read(data.wav_scp[name])
        if wave.shape[1] < MIN_SECONDS * sample_rate:
            continue
        original = resample(wave[:1, : round(SHOWN_SECONDS * sample_rate)], sample_rate, tokenizer.sample_rate)
        decoded = tokenizer.decode(tokenizer.encode(original, tokenizer.sample_rate))
        found.append((name, original[0], decoded[0]))
        if len(found) == num_clips:
            return found
    raise ValueError(f"expected {num_clips} utterances of {MIN_SECONDS} s or more, found {len(found)}")


def draw(clips: Sequence[tuple[str, Tensor, Tensor]], sample_rate: int, path: Path) -> None:
    """One row a clip: the original to the left, the decoded to the right."""
    optional_package("matplotlib", "tokens")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 1.7 * len(clips)), layout="constrained")
    grid: np.ndarray = figure.subplots(len(clips), 2, squeeze=False, sharey=True)
    for row, (name, original, decoded) in zip(grid, clips, strict=True):
        loudest = float(decibels(original, sample_rate).max())
        for axes, wave, title in zip(row, (original, decoded), (name, "decoded"), strict=True):
            axes.imshow(
                decibels(wave, sample_rate).numpy(),
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=loudest + LOWEST_DB,
                vmax=loudest,
                extent=(0, len(wave) / sample_rate, 0, sample_rate / 2000),
            )
            axes.set_title(title, fontsize=7, pad=2)
            axes.tick_params(labelsize=6)
        row[0].set_ylabel("kHz", fontsize=7)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    sys.exit(main())
