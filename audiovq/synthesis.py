"""Text to speech: a text, its symbols, how long they last, their codes, and sound, sentence by sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audiovq.codes import Codes
from audiovq.data.text import TextConfig, TextError, TextFrontend
from audiovq.data.text.sentences import sentences
from audiovq.pretrained import PRIOR, ModelError, find, load_prior
from audiovq.priors.condition import UNKNOWN, TextInputs
from audiovq.priors.sampling import Sampling
from audiovq.priors.speech import SpeechPrior, check_complete
from audiovq.priors.voice import voice_features, voice_size
from audiovq.tokenizer import Audio, Tokenizer, load

MAX_CHARACTERS = 200  # of what is spoken at one go; the utterances that priors learn from are not much longer


@dataclass(frozen=True)
class Voice:
    """Who speaks, in which language: a speaker that the prior knows, or the features of any recorded voice.

    Shape: features (F,), empty for a known speaker.
    """

    speaker: int
    language: str
    features: Tensor


@dataclass(frozen=True)
class Spoken:
    """A piece of text that was spoken. log_probability: of its codes, in nats a code."""

    text: str
    codes: Codes
    log_probability: float


def load_synthesizer(
    name_or_folder: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str] | None = None,
    vocoder: str | os.PathLike[str] | None = None,
) -> Synthesizer:
    """A bundled speech prior by its name, or a folder with one.

    ``tokenizer`` is needed when the prior's own is not a bundled one; ``vocoder`` is as in ``audiovq.load``.

    Raises: ModelError when there is no such model, or they do not fit together.
    """
    prior, card = load_prior(find(name_or_folder, PRIOR))
    own = prior.config.tokenizer.rpartition("@")[0]
    return Synthesizer(prior, card.name, load(tokenizer or own, vocoder=vocoder))


class Synthesizer:
    """Speaks texts in the voices that a prior knows.

    What is random about a piece of text follows from the seed, the text's number and the piece's number alone.
    """

    def __init__(self, prior: SpeechPrior, name: str, tokenizer: Tokenizer) -> None:
        config = prior.config
        if config.tokenizer.rpartition("@")[2] != tokenizer.model_id.rpartition("@")[2]:
            raise ModelError(
                f"{name} makes codes of {config.tokenizer}, which {tokenizer.model_id} cannot decode: name its own"
            )
        try:
            check_complete(config.networks)
        except ValueError as error:
            raise ModelError(f"{name} is a part of a prior: {error}; recipes.pack_prior puts parts together") from error
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

    def voice(self, speaker: str | None = None, language: str | None = None, reference: Audio | None = None) -> Voice:
        """A known speaker, or the voice of a recording.

        With neither, the first speaker of the language, or of all. A speaker may be asked for another language than
        the one that they were recorded in.

        Raises: ModelError for an unknown speaker or language, or when both a speaker and a recording are given;
            AudioError for a recording that cannot be read.
        """
        known = self.speakers
        if speaker is not None and reference is not None:
            raise ModelError("got a speaker and a reference, expected one of them: whose voice is it to be?")
        if language is not None and language not in self.languages:
            raise ModelError(f"{self.name} does not speak {language!r}; it speaks {', '.join(self.languages)}")
        if reference is not None:
            codes = self.tokenizer.encode(reference).channel(0)
            scale = self.tokenizer.model.config.mel_scale
            features = voice_features(self.tokenizer.decode_mel(codes)[0], scale)
            return Voice(UNKNOWN, language or self.languages[0], features)
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
        candidates: int = 1,
        item: object = 0,
        rank: Callable[[Spoken], float] | None = None,
    ) -> Iterator[Spoken]:
        """The pieces of a text, each as soon as its codes are made.

        Of several ``candidates`` for a piece the one is taken that ``rank`` puts highest, or whose codes are likeliest;
        audiovq.ranking has others.

        Raises: TextError for a text with nothing to speak.
        """
        sampling = sampling or Sampling()
        for number, (piece, symbols) in enumerate(self.pieces(text, voice.language)):
            made = [
                self._piece(piece, symbols, voice, sampling, (item, number, candidate))
                for candidate in range(candidates)
            ]
            yield made[0] if candidates == 1 else max(made, key=rank or (lambda spoken: spoken.log_probability))

    def sound(self, text: str, voice: Voice, sampling: Sampling | None = None, candidates: int = 1) -> Tensor:
        """The whole sound of a text. Shape: (1, T)."""
        parts = [self.tokenizer.decode(spoken.codes) for spoken in self.speak(text, voice, sampling, candidates)]
        return torch.cat(parts, dim=1)

    @torch.inference_mode()
    def _piece(
        self, text: str, symbols: Sequence[int], voice: Voice, sampling: Sampling, item: tuple[object, ...]
    ) -> Spoken:
        # The length is the same for all candidates: they differ in how it is said, not in how slowly.
        inputs, num_coarse = self.prior.stretched(self.inputs(symbols, voice), sampling, item[:2])
        levels, log_probability = self.prior.generate(inputs, num_coarse, sampling, item)
        hop_lengths = self.tokenizer.hop_lengths
        codes = Codes(
            levels=tuple(levels),
            sample_rate=self.tokenizer.sample_rate,
            num_samples=num_coarse * hop_lengths[0],
            hop_lengths=hop_lengths,
            codebook_sizes=self.tokenizer.codebook_sizes,
            model=self.tokenizer.model_id,
        )
        return Spoken(text, codes, log_probability / sum(level.numel() for level in levels))

    def inputs(self, symbols: Sequence[int], voice: Voice) -> TextInputs:
        """What a prior reads of a piece, before it has durations."""
        return TextInputs(
            symbols=torch.tensor([symbols]),
            num_symbols=torch.tensor([len(symbols)]),
            durations=torch.zeros(1, len(symbols), dtype=torch.int64),
            speakers=torch.tensor([voice.speaker]),
            languages=torch.tensor([self.languages.index(voice.language)]),
            voices=voice.features[None],
        )
