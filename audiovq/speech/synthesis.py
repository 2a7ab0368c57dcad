"""Text to speech: a text, its symbols, how long they last, their codes, and sound, sentence by sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audiovq.codes import Codes
from audiovq.data.text import TextConfig, TextError, TextFrontend
from audiovq.data.text.sentences import sentences
from audiovq.pretrained import PRIOR, ModelError, check_prior, find, load_prior
from audiovq.priors.condition import UNKNOWN, TextInputs
from audiovq.priors.generation import Generation, Request
from audiovq.priors.sampling import Sampling
from audiovq.priors.speech import SpeechPrior
from audiovq.priors.voice import voice_features, voice_size
from audiovq.speech.prompting import spread
from audiovq.speech.ranking import Rank, likelihood, ranking
from audiovq.speech.spoken import Prompt, Spoken, Voice
from audiovq.speech.streaming import sound_as_made
from audiovq.tokenizer import Audio, Tokenizer, load

PRECISIONS = ("float32", "int8")  # of the weights of networks that work step by step
MAX_PROMPT_SECONDS = 15  # priors have not learnt from utterances that are much longer than that and a piece together
MAX_CHARACTERS = 200  # of what is spoken at one go; the utterances that priors learn from are not much longer


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


class Synthesizer:
    """Speaks texts in the voices that a prior knows.

    What is random about a piece of text follows from the seed, the text's number and the piece's number alone.
    """

    def __init__(self, prior: SpeechPrior, name: str, tokenizer: Tokenizer) -> None:
        config = prior.config
        check_prior(name, config, tokenizer.model_id)
        if not config.durations:
            raise ModelError(f"{name} does not know how long symbols last: recipes.pack_prior puts parts together")
        self.prior, self.name, self.tokenizer = prior.eval(), name, tokenizer
        self.frontend = TextFrontend(
            TextConfig(frontend=config.frontend, symbols=config.symbols, languages=config.languages)
        )

    @property
    def sample_rate(self) -> int:
        return self.tokenizer.sample_rate

    @property
    def speakers(self) -> dict[str, str]:
        """The voices by name, with the language that each was recorded in."""
        return {speaker.name: speaker.language for speaker in self.prior.config.speakers}

    @property
    def languages(self) -> list[str]:
        return self.prior.config.languages

    def voice(
        self,
        speaker: str | None = None,
        language: str | None = None,
        reference: Audio | None = None,
        prompt: Audio | None = None,
        prompt_text: str | None = None,
    ) -> Voice:
        """A known speaker, or the voice of a recording, or one that goes on from a recording of what is said in it.

        With none of them, the first speaker of the language, or of all. A speaker may be asked for another language
        than the one that they were recorded in.

        Raises: ModelError for an unknown speaker or language, when more than one of speaker, reference and prompt is
            given, and for a prompt without its text, or too long; TextError for a text with nothing to speak;
            AudioError for a recording that cannot be read.
        """
        known = self.speakers
        if sum(given is not None for given in (speaker, reference, prompt)) > 1:
            raise ModelError("expected one of a speaker, a reference and a prompt: whose voice is it to be?")
        if (prompt is None) != (prompt_text is None):
            raise ModelError("a prompt and the text that is said in it go together: name both")
        if language is not None and language not in self.languages:
            raise ModelError(f"{self.name} does not speak {language!r}; it speaks {', '.join(self.languages)}")
        recording = prompt if reference is None else reference
        if recording is not None:
            codes = self.tokenizer.encode(recording).channel(0)
            mel = self.tokenizer.decode_mel(codes)[0]
            features = voice_features(mel, self.tokenizer.model.config.mel_scale)
            voice = Voice(UNKNOWN, language or self.languages[0], features, recording)
            return voice if prompt_text is None else replace(voice, prompt=self._prompt(voice, codes, mel, prompt_text))
        if speaker is None:
            fitting = [name for name, spoken in known.items() if language in (None, spoken)]
            speaker = (fitting or list(known))[0]
        if speaker not in known:
            raise ModelError(f"{self.name} has no speaker {speaker!r}; it has {', '.join(known)}")
        features = torch.zeros(voice_size(self.tokenizer.model.config.mel.num_mels))
        return Voice(list(known).index(speaker), language or known[speaker], features)

    def pieces(self, text: str, language: str) -> list[tuple[str, list[int]]]:
        """What is spoken at one go, and its symbols' numbers; pieces with nothing to speak in them are left out.

        Raises: TextError when nothing is left.
        """
        found = []
        for piece in sentences(text, language, MAX_CHARACTERS):
            try:
                found.append((piece, self.frontend.encode(piece, language)))
            except TextError:
                continue
        if not found:
            self.frontend.encode(text, language)  # says what is wrong with it
        return found

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

    def stretched(
        self, symbols: Sequence[int], voice: Voice, sampling: Sampling, item: tuple[object, int]
    ) -> tuple[TextInputs, int]:
        """What a prior reads of a line's piece, durations as they are forecast; and its coarsest frames.

        ``item``: the line's own, and the number of its piece.
        """
        longest = int(sampling.max_seconds * self.tokenizer.frame_rates[0])
        return self.prior.stretched(self.inputs(symbols, voice), sampling, item, max(1, longest))

    def inputs(self, symbols: Sequence[int], voice: Voice, durations: Sequence[Tensor] = ()) -> TextInputs:
        """What a prior reads of a piece; without durations they are all 0. Shape: durations (1, S) of its parts."""
        return TextInputs(
            symbols=torch.tensor([symbols]),
            num_symbols=torch.tensor([len(symbols)]),
            durations=torch.cat([*durations] or [torch.zeros(1, len(symbols), dtype=torch.int64)], dim=1),
            speakers=torch.tensor([voice.speaker]),
            languages=torch.tensor([self.languages.index(voice.language)]),
            voices=voice.features[None],
        )

    @torch.inference_mode()
    def _prompt(self, voice: Voice, codes: Codes, mel: Tensor, text: str) -> Prompt:
        seconds = codes.num_samples / codes.sample_rate
        if seconds > MAX_PROMPT_SECONDS:
            raise ModelError(f"the prompt lasts {seconds:.1f} s, expected at most {MAX_PROMPT_SECONDS}: cut it")
        symbols = self.frontend.encode(text, voice.language)
        forecast, _ = self.prior.stretched(self.inputs(symbols, voice), Sampling())
        durations = spread(forecast.durations, mel, codes.levels[-1].shape[1])
        return Prompt(symbols, durations, codes.levels)
