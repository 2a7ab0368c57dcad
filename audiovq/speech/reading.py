"""Texts and voices as what a prior reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from audiovq.codes import Codes
from audiovq.data.text import TextConfig, TextError, TextFrontend
from audiovq.data.text.sentences import sentences
from audiovq.pretrained import ModelError, check_prior
from audiovq.priors.condition import UNKNOWN, TextInputs
from audiovq.priors.sampling import Sampling
from audiovq.priors.speech import SpeechPrior
from audiovq.priors.voice import voice_features, voice_size
from audiovq.speech.prompting import spread
from audiovq.speech.spoken import Prompt, Voice
from audiovq.tokenizer import Audio, Tokenizer

MAX_PROMPT_SECONDS = 15  # priors have not learnt from utterances that are much longer than that and a piece together
MAX_CHARACTERS = 200  # of what is spoken at one go; the utterances that priors learn from are not much longer


class Reader:
    """The languages, the voices and the text that a prior knows, and recordings as its tokenizer hears them."""

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
