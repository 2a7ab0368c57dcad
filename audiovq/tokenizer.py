"""The tokenizer: any audio to codes and back, in constant memory, to the same bits however it is asked for."""

import itertools
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import torch
from torch import Tensor

from audiovq.audio.blocks import Audio, block_samples, blocks_at
from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.codes import Codes, CodesError
from audiovq.models import VQVAE
from audiovq.models.panning import Panner
from audiovq.models.stereo import join, split
from audiovq.models.vocoder import Vocoder
from audiovq.models.vocoding import MelInverter, VocoderStream, vocode
from audiovq.nn.columns import from_columns, to_columns
from audiovq.nn.windows import Window, WindowCutter
from audiovq.pretrained import (
    GRIFFIN_LIM,
    ModelError,
    ModelInfo,
    check_fits,
    codes_hash,
    find,
    find_vocoder,
    load_model,
    load_vocoder,
    models,
    same_codes,
)
from audiovq.units import bits_per_second, frame_rate, num_frames, seconds_to_samples

__all__ = ["ModelError", "ModelInfo", "Tokenizer", "load", "models"]

WINDOW_SECONDS = 16  # of each window's own part; longer windows save overlap, shorter ones memory


def load(
    name_or_folder: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    vocoder: str | os.PathLike[str] | None = None,
) -> "Tokenizer":
    """A bundled tokenizer by its name, or any folder with config.json and model.safetensors.

    ``vocoder`` makes sound of the log-mels of a model that decodes to them: the name or folder of one, "griffin-lim",
    or None for the bundled one that reads such mels, else Griffin-Lim.

    Raises: ModelError when there is no such model or vocoder, it cannot be read, or they do not fit together.
    """
    model, card = load_model(find(name_or_folder))
    folder = find_vocoder(model.config, vocoder)
    if folder is None:
        return Tokenizer(model, card.name, device)
    network, vocoder_card = load_vocoder(folder)
    return Tokenizer(model, card.name, device, network, vocoder_card.name)


@cache
def load_once(name_or_folder: str, device: str = "cpu", vocoder: str | None = None) -> "Tokenizer":
    """As ``load``, but a process that is asked again has it already."""
    return load(name_or_folder, device, vocoder)


class Tokenizer:
    """Turns waveforms into Codes and Codes into waveforms.

    Results do not depend on ``chunk_seconds``, on what else is in a batch, or on anything but the signal and the
    model: see audiovq.nn.windows.
    """

    def __init__(
        self,
        model: VQVAE,
        name: str,
        device: str | torch.device = "cpu",
        vocoder: Vocoder | None = None,
        vocoder_name: str = GRIFFIN_LIM,
    ) -> None:
        config = model.config
        if vocoder is not None:
            check_fits(vocoder_name, vocoder.config.mel, name, config.mel)
        self.model = model.to(device).eval()
        self.device = torch.device(device)
        self.name = name
        self.model_id = f"{name}@{codes_hash(model)}"
        self.vocoder = None if vocoder is None else vocoder.to(device).eval()
        self.vocoder_name = vocoder_name if config.head == "mel" else None
        self.sample_rate: int = config.sample_rate
        self.num_levels: int = config.num_levels
        self.hop_lengths: tuple[int, ...] = config.hop_lengths
        self.codebook_sizes: tuple[int, ...] = config.codebook_sizes
        self.num_codebooks: tuple[int, ...] = config.num_codebooks
        self.num_parameters = sum(parameter.numel() for parameter in model.parameters())

    @property
    def frame_rates(self) -> tuple[Fraction, ...]:
        """Frames per second of each level, exact."""
        return tuple(frame_rate(self.sample_rate, hop_length) for hop_length in self.hop_lengths)

    @property
    def bits_per_second(self) -> float:
        """Of one channel, or of the two that a joint model codes at once."""
        return bits_per_second(self.sample_rate, self.hop_lengths, self.num_codebooks, self.codebook_sizes)

    # -- sound to codes --------------------------------------------------------------------------------------------

    def encode(self, audio: Audio, sample_rate: int | None = None, chunk_seconds: float | None = None) -> Codes:
        """Codes of a file, or of a waveform at ``sample_rate``; ``model.config.stereo`` says what channels become.

        ``chunk_seconds`` is how much audio is taken in at a time: it moves memory, never the result. Integer
        waveforms are scaled to [-1, 1] by their type.

        Shape: audio (T,) or (C, T), any T >= 1.
        Raises: AudioError for a file that cannot be read, ValueError for a waveform that cannot be coded.
        """
        cutter = self._cutter(self.hop_lengths[0], self.model.encode_context)
        parts: list[list[Tensor]] = []
        num_samples = 0
        for block in blocks_at(audio, sample_rate, self.sample_rate, _chunk_seconds(chunk_seconds)):
            num_samples += block.shape[1]
            waves = split(block, self.model.config.stereo).flatten(0, 1)
            parts += [self._encode_waves(window) for window in cutter.push(waves)]
        parts += [self._encode_waves(window) for window in cutter.flush()]
        return self._codes(parts, num_samples)

    def encode_batch(self, waves: Sequence[Audio], sample_rate: int | None = None) -> list[Codes]:
        """Codes of several waveforms or files, equal to encoding them one by one.

        Raises: as ``encode`` does.
        """
        return [self.encode(wave, sample_rate) for wave in waves]

    def encode_mel(self, mel: Tensor) -> Codes:
        """Codes of log-mels as ``model.mel`` makes them, in nats, for models with a mel front-end.

        Shape: (C, M, N), one for each set of codes.
        Raises: ValueError for another front-end or shape.
        """
        config = self.model.config
        if config.frontend != "mel":
            raise ValueError(f"{self.name} reads waveforms, not mels: use encode")
        if mel.ndim != 3 or mel.shape[1] != config.num_bands or mel.shape[2] < 1:
            raise ValueError(f"expected log-mels of shape (C, {config.num_bands}, N), got {tuple(mel.shape)}")
        missing = -mel.shape[2] % (self.hop_lengths[0] // config.mel.hop_length)
        silence = self.model.mel(torch.zeros(1, config.num_channels, 1, device=self.device)).cpu()
        features = self.model.normalise(torch.cat([mel.float(), silence.expand(len(mel), -1, missing)], dim=2))
        cutter = self._cutter(self.hop_lengths[0] // config.mel.hop_length, self.model.encode_context)
        windows = itertools.chain(cutter.push(features.flatten(0, 1)), cutter.flush())
        parts = [
            self._encode_window(window, window.signal.unflatten(0, (len(mel), config.num_bands))) for window in windows
        ]
        return self._codes(parts, mel.shape[2] * config.mel.hop_length)

    @torch.inference_mode()
    def _encode_waves(self, window: Window) -> list[Tensor]:
        waves = window.signal.unflatten(0, (-1, 1, self.model.config.num_channels)).to(self.device)
        return self._encode_window(window, torch.cat([self.model.features(wave) for wave in waves]))

    @torch.inference_mode()
    def _encode_window(self, window: Window, features: Tensor) -> list[Tensor]:
        """The codes that a window answers for. Shape: features (C, M or 1, n) -> [(C * K_0, n_0), ...]."""
        # One channel at a time: in a batch of another size a kernel may add in another order.
        channels = [self.model.encode(channel[None].to(self.device), window.mask) for channel in features]
        return [torch.cat([window.kept(level[0]) for level in levels]).cpu() for levels in zip(*channels, strict=True)]

    def _codes(self, parts: list[list[Tensor]], num_samples: int) -> Codes:
        levels = tuple(torch.cat(level, dim=1) for level in zip(*parts, strict=True))
        return Codes(
            levels=levels,
            sample_rate=self.sample_rate,
            num_samples=num_samples,
            hop_lengths=self.hop_lengths,
            codebook_sizes=self.codebook_sizes,
            model=self.model_id,
            num_channels=levels[0].shape[0] // self.num_codebooks[0],
        )

    # -- codes to sound --------------------------------------------------------------------------------------------

    def decode(self, codes: Codes, levels: int | None = None, chunk_seconds: float | None = None) -> Tensor:
        """The waveform of codes at ``self.sample_rate``, exactly ``codes.num_samples`` long.

        ``levels`` decodes that many of the coarsest levels alone. ``chunk_seconds`` is as in ``encode``.

        Shape: (C, T) float32 on the CPU.
        Raises: CodesError when another encoder made the codes, or they have fewer levels.
        """
        wave = torch.empty(self.num_channels(codes), codes.num_samples)
        position = 0
        for block in self.decode_blocks(codes, levels, chunk_seconds):
            wave[:, position : position + block.shape[1]] = block
            position += block.shape[1]
        return wave

    def decode_blocks(
        self, codes: Codes, levels: int | None = None, chunk_seconds: float | None = None
    ) -> Iterator[Tensor]:
        """The waveform of codes, in blocks as they are made, for writing to disk in constant memory.

        Shape: each (C, n) float32.
        Raises: as ``decode`` does.
        """
        outputs = self._decode_windows(codes, levels, chunk_seconds)
        is_mel = self.model.config.head == "mel"
        waves = vocode(outputs, self._begin_sound) if is_mel else (output[:, 0] for output in outputs)
        left = codes.num_samples
        for made in waves:
            wave = join(made, self.model.config.stereo)
            yield wave[:, :left]
            left -= min(left, wave.shape[1])

    def num_channels(self, codes: Codes) -> int:
        """How many channels ``decode`` gives: two by a joint model, and else as many as have codes."""
        return max(codes.num_channels, self.model.config.num_channels)

    def _begin_sound(self) -> MelInverter:
        mel = self.model.config.mel
        mono = MelGriffinLim(mel) if self.vocoder is None else VocoderStream(self.vocoder, self.device)
        return mono if self.model.config.num_channels == 1 else Panner(mel, mono)

    def decode_mel(self, codes: Codes, levels: int | None = None) -> Tensor:
        """The log-mel, in nats, that a mel model decodes before it is turned into sound, as ``model.mel`` makes it.

        Shape: (C, M, N), one for each set of codes, N = ceil(num_samples / mel hop).
        Raises: ValueError for a model that decodes to waveforms; CodesError as ``decode`` does.
        """
        config = self.model.config
        if config.head != "mel":
            raise ValueError(f"{self.name} decodes to waveforms, not mels: use decode")
        mel = torch.cat(list(self._decode_windows(codes, levels, None)), dim=2)
        return mel[..., : num_frames(codes.num_samples, config.mel.hop_length)]

    @torch.inference_mode()
    def _decode_windows(self, codes: Codes, levels: int | None, chunk_seconds: float | None) -> Iterator[Tensor]:
        """The network's output, window by window. Shape: each (C, M or 1, n)."""
        taken = self._checked(codes, levels)
        size = max(1, block_samples(_chunk_seconds(chunk_seconds), self.sample_rate) // self.hop_lengths[0])
        factors = [self.hop_lengths[0] // hop for hop in taken.hop_lengths]
        rows = [len(level) for level in taken.levels]
        cutter = self._cutter(1, self.model.decode_context)
        blocks = to_columns(taken.levels, factors).split(size, dim=1)
        for window in itertools.chain(itertools.chain.from_iterable(map(cutter.push, blocks)), cutter.flush()):
            parts = from_columns(window.signal, rows, factors)
            channels = zip(*(part.to(self.device).chunk(taken.num_channels) for part in parts), strict=True)
            outputs = [self.model.decode([level[None] for level in channel], window.mask) for channel in channels]
            yield torch.cat([window.kept(output) for output in outputs]).float().cpu()

    def _checked(self, codes: Codes, levels: int | None) -> Codes:
        if not same_codes(codes.model, self.model_id):
            raise CodesError(
                f"these codes were made by {codes.model}; {self.model_id} has another encoder and cannot read them"
            )
        stereo, most = self.model.config.stereo, {"mid_side": 2, "joint": 1}
        if codes.num_channels > most.get(stereo, codes.num_channels):
            raise CodesError(f"{self.name} has {most[stereo]} channels of codes at most, got {codes.num_channels}")
        return codes if levels is None else codes.prefix(levels)

    def _cutter(self, units: int, context: int) -> WindowCutter:
        step = max(1, seconds_to_samples(WINDOW_SECONDS, self.sample_rate) // self.hop_lengths[0])
        return WindowCutter(units, step, context)


def _chunk_seconds(given: float | None) -> float:
    return WINDOW_SECONDS if given is None else given
