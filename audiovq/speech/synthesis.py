"""Text to speech: a text, its symbols, how long they last, their codes, and sound, sentence by sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audiovq.codes import Codes
from audiovq.pretrained import PRIOR, find, load_prior
from audiovq.priors.generation import Generation, Request
from audiovq.priors.sampling import Sampling
from audiovq.speech.ranking import Rank, likelihood, ranking
from audiovq.speech.reading import Reader
from audiovq.speech.spoken import Spoken, Voice
from audiovq.speech.streaming import sound_as_made
from audiovq.tokenizer import load

PRECISIONS = ("float32", "int8")  # of the weights of networks that work step by step


@dataclass(frozen=True)
class Line:
    """A text to be spoken. ``item`` is what tells it from other texts of the same seed."""

    text: str
    voice: Voice
    item: object = 0


@dataclass(frozen=True)
class _Piece:
    """What is spoken at one go, of which line, the how-manieth of it."""

    text: str
    symbols: Sequence[int]
    line: Line
    number: int


def load_synthesizer(
    name_or_folder: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str] | None = None,
    vocoder: str | os.PathLike[str] | None = None,
    precision: str = "float32",
) -> Synthesizer:
    """A bundled speech prior by its name, or a folder with one.

    ``tokenizer`` is needed when the prior's own is not a bundled one; ``vocoder`` is as in ``audiovq.load``;
    ``precision`` is one of PRECISIONS: with "int8" weights a sentence by itself is made sooner, many together are not.

    Raises: ModelError when there is no such model, or they do not fit together.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}, expected {' or '.join(PRECISIONS)}")
    prior, card = load_prior(find(name_or_folder, PRIOR))
    if precision == "int8":
        prior.quantise()
    own = prior.config.tokenizer.rpartition("@")[0]
    return Synthesizer(prior, card.name, load(tokenizer or own, vocoder=vocoder))


class Synthesizer(Reader):
    """Speaks texts in the voices that a prior knows.

    What is random about a piece of text follows from the seed, the text's number and the piece's number alone.
    """

    def speak(
        self,
        text: str,
        voice: Voice,
        sampling: Sampling | None = None,
        item: object = 0,
        rank: Rank | None = None,
    ) -> Iterator[Spoken]:
        """The pieces of a text, each soon after its codes are made.

        Of several candidates for a piece the one is taken that ``rank`` puts highest, or without it ``rank_by``.

        Raises: TextError for a text with nothing to speak; as ``ranking`` does.
        """
        sampling = sampling or Sampling()
        pieces = self._pieces(Line(text, voice, item))
        start, size = 0, 1  # the first by itself, so that it is there soon
        while start < len(pieces):
            yield from self._made(pieces[start : start + size], sampling, rank)
            start, size = start + size, min(2 * size, max(1, sampling.batch // sampling.candidates))

    def speak_all(
        self, lines: Sequence[Line], sampling: Sampling | None = None, rank: Rank | None = None
    ) -> list[list[Spoken]]:
        """The pieces of several texts, made together: the same as one by one, but sooner.

        Raises: as ``speak`` does.
        """
        sampling = sampling or Sampling()
        pieces = [piece for line in lines for piece in self._pieces(line)]
        # Alike lengths together: a batch takes as long as its longest.
        order = sorted(range(len(pieces)), key=lambda number: len(pieces[number].symbols))
        size = max(1, sampling.batch // sampling.candidates)
        spoken: dict[int, Spoken] = {}
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            made = self._made([pieces[number] for number in chosen], sampling, rank)
            spoken.update(zip(chosen, made, strict=True))
        return [[spoken[number] for number, piece in enumerate(pieces) if piece.line is line] for line in lines]

    def stream(
        self, text: str, voice: Voice, sampling: Sampling | None = None, item: object = 0, rank: Rank | None = None
    ) -> Iterator[Tensor]:
        """The sound of a text as it is made: of the first piece before its last code is.

        Shape: (1, n) each.
        Raises: as ``speak`` does.
        """
        sampling = sampling or Sampling()
        pieces = self._pieces(Line(text, voice, item))
        if sampling.candidates == 1:
            yield from sound_as_made(self.tokenizer, self._begin(pieces[:1], sampling))
            pieces = pieces[1:]
        start, size = 0, 1
        while start < len(pieces):
            for spoken in self._made(pieces[start : start + size], sampling, rank):
                yield from self.tokenizer.decode_blocks(spoken.codes)
            start, size = start + size, min(2 * size, max(1, sampling.batch // sampling.candidates))

    def sound(self, text: str, voice: Voice, sampling: Sampling | None = None) -> Tensor:
        """The whole sound of a text. Shape: (1, T)."""
        return torch.cat(list(self.stream(text, voice, sampling)), dim=1)

    def _pieces(self, line: Line) -> list[_Piece]:
        found = self.pieces(line.text, line.voice.language)
        return [_Piece(text, symbols, line, number) for number, (text, symbols) in enumerate(found)]

    @torch.inference_mode()
    def _made(self, pieces: Sequence[_Piece], sampling: Sampling, rank: Rank | None) -> list[Spoken]:
        """Pieces, of each the best candidate. With prompts they must have one length: be of one voice."""
        ranks = [
            rank or ranking(sampling.rank_by, self.tokenizer, piece.line.voice)
            if sampling.candidates > 1
            else likelihood
            for piece in pieces
        ]
        generation = self._begin(pieces, sampling)
        generation.finish()
        spoken = [
            Spoken(pieces[number // sampling.candidates].text, *self._codes(generation, number))
            for number in range(len(generation.requests))
        ]
        size = sampling.candidates
        return [max(spoken[number * size : (number + 1) * size], key=best) for number, best in enumerate(ranks)]

    @torch.inference_mode()
    def _begin(self, pieces: Sequence[_Piece], sampling: Sampling) -> Generation:
        """The candidates of each piece in a row."""
        requests = []
        for piece in pieces:
            voice, item = piece.line.voice, (piece.line.item, piece.number)
            # The length is the same for all candidates: they differ in how it is said, not in how slowly.
            inputs, num_coarse = self.stretched(piece.symbols, voice, sampling, item)
            prompt = voice.prompt
            if prompt is not None:
                inputs = self.inputs([*prompt.symbols, *piece.symbols], voice, [prompt.durations, inputs.durations])
                num_coarse += prompt.levels[0].shape[1]
            requests += [
                Request(inputs, num_coarse, (*item, candidate), None if prompt is None else prompt.levels)
                for candidate in range(sampling.candidates)
            ]
        return self.prior.begin(requests, sampling)

    def _codes(self, generation: Generation, number: int) -> tuple[Codes, float]:
        levels, hop_lengths = generation.codes(number), self.tokenizer.hop_lengths
        codes = Codes(
            levels=tuple(levels),
            sample_rate=self.tokenizer.sample_rate,
            num_samples=levels[0].shape[1] * hop_lengths[0],
            hop_lengths=hop_lengths,
            codebook_sizes=self.tokenizer.codebook_sizes,
            model=self.tokenizer.model_id,
        )
        return codes, generation.log_probability(number) / sum(level.numel() for level in levels)
