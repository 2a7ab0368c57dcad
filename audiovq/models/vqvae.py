"""The hierarchical VQ-VAE: front-end, encoder, hierarchy and decoder."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audiovq.audio.mel import LogMel
from audiovq.models.config import VQVAEConfig
from audiovq.models.decoder import Decoder
from audiovq.models.encoder import Encoder
from audiovq.models.hierarchy import Hierarchy
from audiovq.models.stereo import from_mean_and_difference, joint_loudness, joint_mel, to_mean_and_difference
from audiovq.nn.mask import FrameMask
from audiovq.quantize import Quantized


@dataclass
class VQVAEOutput:
    """Shapes: output (B, M, N) log-mel in nats or (B, 1, T); quantized and latents hold one entry a level."""

    output: Tensor
    quantized: list[Quantized]
    latents: list[Tensor]


class VQVAE(nn.Module):
    """Waveforms (or log-mels) to multi-rate codes and back to log-mels or a waveform.

    What defines codes, ``encoder`` and ``hierarchy``, is apart from what only reads them, ``decoder``: a decoder can
    be trained further or replaced while every code ever written stays valid.

    Source: Razavi et al. 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2, carried to one dimension.
    """

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.log_mel = LogMel(config.mel)
        self.encoder = Encoder(config)
        self.hierarchy = Hierarchy(config)
        self.decoder = Decoder(config)

    def forward(self, wave: Tensor, mask: FrameMask | None = None, keep: Tensor | None = None) -> VQVAEOutput:
        """Encode, quantise and decode, for training.

        Shape: wave (B, c, T), as ``features`` takes it, T a multiple of the coarsest hop; keep (B,) int, levels decoded
        of each item (None: all).
        """
        latents, quantized = self.hierarchy(self.encoder(self.features(wave), mask), mask)
        if keep is None:
            keep = torch.full((len(wave),), self.config.num_levels, device=wave.device)
        return VQVAEOutput(self.read([level.latent for level in quantized], keep, mask), quantized, latents)

    def read(self, decoded: list[Tensor], keep: Tensor, mask: FrameMask | None = None) -> Tensor:
        """What the decoder makes of decoded codes; ``keep`` is as in ``forward``, the result as of ``decode``.

        Shape: [(B, D, N_0), ..., (B, D, N_{L-1})] -> (B, M, N) or (B, 1, T).
        """
        return self._from_network(self.decoder(decoded, keep, mask))

    def features(self, wave: Tensor) -> Tensor:
        """What the encoder reads. Shape: (B, c, T) -> (B, M, N) for a mel front, (B, 1, T) for a wave front.

        c is 1, and 2 for a joint model, whose M is ``config.num_bands`` here and below.
        """
        return self.normalise(self.mel(wave)) if self.config.frontend == "mel" else wave

    def mel(self, wave: Tensor) -> Tensor:
        """The log-mel that a mel front reads and a mel head gives. Shape: (B, c, T) -> (B, M, N)."""
        made: Tensor = joint_mel(self.log_mel, wave) if self.config.stereo == "joint" else self.log_mel(wave)
        return made

    def loudness(self, mel: Tensor) -> Tensor:
        """How loud each cell of what ``mel`` gives is, in nats. Shape: (B, M, N)."""
        return joint_loudness(mel) if self.config.stereo == "joint" else mel

    def normalise(self, mel: Tensor) -> Tensor:
        """Log-mel in nats to network units. Shape: (B, M, N)."""
        if self.config.stereo == "joint":
            return to_mean_and_difference(mel, self.config.mel_mean, self.config.mel_scale)
        return (mel - self.config.mel_mean) / self.config.mel_scale

    def encode(self, features: Tensor, mask: FrameMask | None = None) -> list[Tensor]:
        """Shape: features as ``features`` gives them -> codes [(B, K_0, N_0), ..., (B, K_{L-1}, N_{L-1})] int64."""
        return [level.codes for level in self.hierarchy(self.encoder(features, mask), mask)[1]]

    def decode(self, codes: list[Tensor], mask: FrameMask | None = None) -> Tensor:
        """Decode a prefix of levels. Shape: [(B, K_0, N_0), ...] -> (B, M, N) log-mel in nats or (B, 1, T)."""
        latents = self.hierarchy.decode(codes)
        coarse = latents[0]
        for factor in self.hierarchy.factors[len(codes) :]:
            latents.append(coarse.new_zeros(*coarse.shape[:2], coarse.shape[2] * factor))
        keep = torch.full((len(coarse),), len(codes), device=coarse.device)
        return self.read(latents, keep, mask)

    def _from_network(self, output: Tensor) -> Tensor:
        if self.config.stereo == "joint":
            return from_mean_and_difference(output, self.config.mel_mean, self.config.mel_scale)
        return output * self.config.mel_scale + self.config.mel_mean if self.config.head == "mel" else output

    @property
    def encode_context(self) -> int:
        """Coarsest frames beyond a window's edge on which codes inside it depend."""
        features = self.hierarchy.context([0] * self.config.num_levels)
        samples = self.encoder.context(features) * self.config.input_hop_length
        if self.config.frontend == "mel":
            samples += self.config.mel.n_fft // 2
        return -(-samples // self.config.hop_lengths[0])

    @property
    def decode_context(self) -> int:
        """Coarsest frames beyond a window's edge on which the output inside it depends."""
        hops = self.config.hop_lengths
        return max(-(-frames * hop // hops[0]) for frames, hop in zip(self.decoder.context(0), hops, strict=True))
