"""Distances between waveforms in several time-frequency resolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from audiovq.audio.mel import LogMel, LogMelConfig

FLOOR = 1e-5


class MultiScaleMelLoss(nn.Module):
    """Mean over scales of the L1 distance of log-mels, in nats.

    Shape: two waveforms (B, 1, T) -> scalar.
    Source: Kumar et al. 2023, High-Fidelity Audio Compression with Improved RVQGAN, section 3.4.
    """

    def __init__(self, sample_rate: int, n_ffts: tuple[int, ...] = (128, 256, 512, 1024, 2048)) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            LogMel(
                LogMelConfig(
                    sample_rate=sample_rate,
                    n_fft=n_fft,
                    hop_length=n_fft // 4,
                    num_mels=max(5, n_fft // 16),
                    fmax=sample_rate / 2,
                    floor=FLOOR,
                )
            )
            for n_fft in n_ffts
        )

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        return torch.stack([(scale(prediction) - scale(target)).abs().mean() for scale in self.scales]).mean()


def multi_scale_stft_loss(prediction: Tensor, target: Tensor, n_ffts: tuple[int, ...] = (256, 512, 1024)) -> Tensor:
    """Mean over scales of spectral convergence plus log-magnitude L1 distance.

    Shape: two waveforms (B, 1, T) -> scalar.
    Source: Yamamoto et al. 2020, Parallel WaveGAN, equations 4 to 7.
    """
    losses = []
    for n_fft in n_ffts:
        window = torch.hann_window(n_fft, device=target.device)
        a, b = (
            torch.stft(x[:, 0].float(), n_fft, n_fft // 4, window=window, return_complex=True).abs().clamp(min=FLOOR)
            for x in (prediction, target)
        )
        convergence = torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b)
        losses.append(convergence + (a.log() - b.log()).abs().mean())
    return torch.stack(losses).mean()
