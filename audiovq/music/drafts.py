"""Drafts: pieces of music of which some codes are given, and the others are to be made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from audiovq.audio.io import AudioReader
from audiovq.audio.waveform import as_floats, as_wave
from audiovq.codes import Codes
from audiovq.pretrained import ModelError, same_codes
from audiovq.priors.layouts import NOTHING
from audiovq.tokenizer import Audio, Tokenizer
from audiovq.units import seconds_to_samples

MIRRORED_SECONDS = 2  # the end of a clip is coded as if it went on: silence behind it would end the music


class DraftError(ValueError):
    """A piece that cannot be made as it was asked for."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A piece of which codes are given. Shape: levels[l] (K_l, N_l) int64, NOTHING where one is to be made."""

    levels: tuple[Tensor, ...]
    num_samples: int

    @property
    def is_blank(self) -> bool:
        """Whether all is to be made."""
        return all(bool((level == NOTHING).all()) for level in self.levels)

    @property
    def num_given(self) -> int:
        """Coarsest frames of a clip that the piece goes on from; 0 where it is given no such beginning, or more."""
        num_coarse = self.levels[0].shape[1]
        given = int((self.levels[0] != NOTHING).all(0).sum())
        for level in self.levels:
            kept = given * level.shape[1] // num_coarse
            if (level[:, :kept] == NOTHING).any() or (level[:, kept:] != NOTHING).any():
                return 0
        return given if given < num_coarse else 0


class Drafter:
    """Drafts in the codes of a tokenizer. Clips of several channels are mixed to one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @property
    def sample_rate(self) -> int:
        return self.tokenizer.sample_rate

    def codes(self, levels: tuple[Tensor, ...], num_samples: int) -> Codes:
        """Complete levels as Codes of the tokenizer."""
        return Codes(
            levels=levels,
            sample_rate=self.sample_rate,
            num_samples=num_samples,
            hop_lengths=self.tokenizer.hop_lengths,
            codebook_sizes=self.tokenizer.codebook_sizes,
            model=self.tokenizer.model_id,
        )

    def blank(self, seconds: float) -> Draft:
        """All is to be made. Raises: DraftError."""
        if not 0 < seconds < float("inf"):
            raise DraftError(f"seconds is {seconds}, expected more than 0")
        num_samples = max(1, seconds_to_samples(Fraction(str(seconds)), self.sample_rate))
        num_coarse = -(-num_samples // self.tokenizer.hop_lengths[0])
        return Draft(tuple(self._nothing(num_coarse)), num_samples)

    def continued(self, clip: Audio | Codes, seconds: float, sample_rate: int | None = None) -> Draft:
        """A piece of so many seconds in all that begins with the clip; its last, incomplete frame is made anew.

        Raises: DraftError when the clip leaves nothing to make, or is too short; AudioError.
        """
        draft, codes = self.blank(seconds), self._coded(clip, sample_rate)
        whole = codes.num_samples // self.tokenizer.hop_lengths[0]
        if whole == 0:
            raise DraftError(f"the clip is {codes.duration_seconds:.2f} s long, too short for a single coarsest frame")
        if codes.num_samples >= draft.num_samples:
            raise DraftError(
                f"the clip is {codes.duration_seconds:.2f} s long, which leaves nothing to make of {seconds:g} s: "
                "seconds is the length of the whole, with the clip"
            )
        for level, given in zip(draft.levels, codes.levels, strict=True):
            kept = whole * (level.shape[1] // draft.levels[0].shape[1])
            level[:, :kept] = given[:, :kept]
        return draft

    def inpainted(
        self, clip: Audio | Codes, from_seconds: float, to_seconds: float, sample_rate: int | None = None
    ) -> Draft:
        """The clip, of which a stretch is to be made anew: all coarsest frames that it touches.

        Raises: DraftError for a stretch that is not in the clip; AudioError.
        """
        codes = self._coded(clip, sample_rate)
        if not 0 <= from_seconds < to_seconds or from_seconds >= codes.duration_seconds:
            raise DraftError(
                f"cannot make {from_seconds:g} to {to_seconds:g} s anew of a clip of {codes.duration_seconds:.2f} s: "
                "expected a stretch within it"
            )
        hop, levels = self.tokenizer.hop_lengths[0], [level.clone() for level in codes.levels]
        low = int(from_seconds * self.sample_rate) // hop
        high = -(-int(to_seconds * self.sample_rate) // hop)
        for level in levels:
            factor = level.shape[1] // codes.levels[0].shape[1]
            level[:, low * factor : high * factor] = NOTHING
        return Draft(tuple(levels), codes.num_samples)

    def varied(self, clip: Audio | Codes, keep_levels: int, sample_rate: int | None = None) -> Draft:
        """The clip's coarsest levels, as they are; the finer ones are to be made anew.

        Raises: DraftError when that is no level, or all; AudioError.
        """
        if not 1 <= keep_levels < self.tokenizer.num_levels:
            raise DraftError(
                f"cannot keep {keep_levels} of {self.tokenizer.num_levels} levels and vary the others: "
                f"expected 1 to {self.tokenizer.num_levels - 1}"
            )
        codes = self._coded(clip, sample_rate)
        nothing = self._nothing(codes.levels[0].shape[1])
        return Draft((*codes.levels[:keep_levels], *nothing[keep_levels:]), codes.num_samples)

    def _nothing(self, num_coarse: int) -> list[Tensor]:
        coarse, *_ = hops = self.tokenizer.hop_lengths
        return [
            torch.full((books, num_coarse * (coarse // hop)), NOTHING)
            for hop, books in zip(hops, self.tokenizer.num_codebooks, strict=True)
        ]

    def _coded(self, clip: Audio | Codes, sample_rate: int | None) -> Codes:
        """One channel's codes, of exactly the clip's length. Raises: AudioError; ModelError for another model's."""
        if isinstance(clip, Codes):
            if not same_codes(clip.model, self.tokenizer.model_id):
                raise ModelError(f"these codes were made by {clip.model}, expected those of {self.tokenizer.model_id}")
            return clip.channel(0)
        if isinstance(clip, (str, os.PathLike)):
            with AudioReader(clip) as reader:
                wave, rate = reader.read(reader.num_samples), reader.sample_rate
        elif sample_rate is None:
            raise ValueError("a waveform needs its sample_rate")
        else:
            wave, rate = as_floats(as_wave(clip)), sample_rate
        mono = wave.mean(0, keepdim=True)
        mirrored = torch.cat([mono, mono.flip(1)[:, : MIRRORED_SECONDS * rate]], dim=1)
        codes = self.tokenizer.encode(mirrored, rate)
        num_samples = max(1, mono.shape[1] * self.sample_rate // rate)
        num_coarse = -(-num_samples // self.tokenizer.hop_lengths[0])
        factors = [self.tokenizer.hop_lengths[0] // hop for hop in self.tokenizer.hop_lengths]
        levels = tuple(level[:, : num_coarse * f] for level, f in zip(codes.levels, factors, strict=True))
        return self.codes(levels, num_samples)
