"""How fast log-mels become sound: Griffin-Lim, the vocoders of this project and HiFi-GAN, on the same threads."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor

from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.audio.mel_presets import MEL_PRESETS
from audiovq.models.vocoding import MelInverter, VocoderStream
from audiovq.pretrained import VOCODER, find, load_vocoder
from recipes.benchmark.machine import machine
from recipes.benchmark.speed import measure, read_or_make


class MelCoder:
    """Log-mels for codes: what is left of the time of decoding is the vocoder's."""

    name: str
    num_parameters: int

    def __init__(self, mel: LogMelConfig) -> None:
        self._log_mel = LogMel(mel)
        self.sample_rate = mel.sample_rate

    def encode(self, wave: Tensor) -> Tensor:
        """Shape: (1, T) -> (M, N)."""
        mel: Tensor = self._log_mel(wave[None])
        return mel[0]

    def decode(self, codes: object) -> Tensor:
        raise NotImplementedError


class StreamedVocoder(MelCoder):
    """As `audiovq decode` makes sound: Griffin-Lim, or a network run over windows."""

    def __init__(self, name: str, num_parameters: int, mel: LogMelConfig, inverter: MelInverter) -> None:
        super().__init__(mel)
        self.name, self.num_parameters, self._inverter = name, num_parameters, inverter

    def decode(self, codes: object) -> Tensor:
        assert isinstance(codes, Tensor)
        return torch.cat([self._inverter.push(codes), self._inverter.flush()])


class HifiGan(MelCoder):
    """HiFi-GAN V1, 22.05 kHz, with random weights, which are as fast as trained ones, and without weight norm.

    Source: Kong et al. 2020, HiFi-GAN, appendix A.1.
    """

    name = "HiFi-GAN V1, 22.05 kHz (random weights)"

    def __init__(self) -> None:
        from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig  # only this rival needs it; slow to import

        mel = MEL_PRESETS["hifigan-22k"]
        super().__init__(mel)
        config = SpeechT5HifiGanConfig(
            model_in_dim=mel.num_mels,
            sampling_rate=mel.sample_rate,
            upsample_initial_channel=512,
            upsample_rates=[8, 8, 2, 2],
            upsample_kernel_sizes=[16, 16, 4, 4],
            resblock_kernel_sizes=[3, 7, 11],
            resblock_dilation_sizes=[[1, 3, 5]] * 3,
        )
        self._model = SpeechT5HifiGan(config).eval()  # type: ignore[no-untyped-call]
        self.num_parameters = sum(parameter.numel() for parameter in self._model.parameters())

    def decode(self, codes: object) -> Tensor:
        assert isinstance(codes, Tensor)
        wave: Tensor = self._model(codes.T)
        return wave


def griffin_lim() -> MelCoder:
    """What makes sound without a vocoder, of the bundled tokenizers' mels."""
    mel = LogMelConfig()
    return StreamedVocoder("Griffin-Lim", 0, mel, MelGriffinLim(mel))


def vocoder(name_or_folder: str | os.PathLike[str]) -> MelCoder:
    """Raises: ModelError when there is no such vocoder."""
    network, card = load_vocoder(find(name_or_folder, VOCODER))
    return StreamedVocoder(card.name, card.num_parameters, card.config.mel, VocoderStream(network.eval()))


def markdown_table(coders: Sequence[MelCoder], speeds: Sequence[Sequence[float]], threads: Sequence[int]) -> str:
    """Seconds of audio per second, and how many times as fast as the last of the coders each is.

    speeds: for each number of threads, that of each coder.
    """
    columns = [f"{n} thread(s), s of audio per s | ratio to {coders[-1].name.split(',')[0]}" for n in threads]
    lines = [f"| mels to sound | parameters | {' | '.join(columns)} |", "|---|---:|" + "---:|---:|" * len(threads)]
    for number, coder in enumerate(coders):
        cells = [f"{row[number]:.1f} | {row[number] / row[-1]:.2f}" for row in speeds]
        lines.append(f"| {coder.name} | {coder.num_parameters / 1e6:.2f} M | {' | '.join(cells)} |")
    return "\n".join(lines)


def vocoder_speed(
    vocoders: Sequence[str], wav: str | None, seconds: float, threads: Sequence[int], repeats: int
) -> str:
    """Measure and describe in Markdown."""
    wave, sample_rate, source = read_or_make(wav, seconds)
    coders: list[MelCoder] = [griffin_lim(), *map(vocoder, vocoders), HifiGan()]
    audio_seconds = wave.shape[1] / sample_rate
    speeds = []
    for num_threads in threads:
        torch.set_num_threads(num_threads)
        timings = measure(coders, wave, sample_rate, repeats)
        speeds.append([audio_seconds / statistics.median(timing.decode_seconds) for timing in timings])
    title = f"Log-mels of {audio_seconds:.1f} s of {source} to sound, medians of {repeats} interleaved repeats"
    return f"{title} ({machine()}):\n\n{markdown_table(coders, speeds, threads)}\n"
