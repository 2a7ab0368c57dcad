"""Models small enough for tests: the same code, absurd sizes."""

import torch

from audiovq.audio.mel import LogMelConfig
from audiovq.models import VQVAE, LevelConfig, VQVAEConfig
from audiovq.quantize import QuantizerConfig

MEL = LogMelConfig(sample_rate=800, n_fft=32, hop_length=8, num_mels=6, fmax=400.0)


def config(
    front: str = "mel", hierarchy: str = "conditional", head: str | None = None, kind: str = "ema"
) -> VQVAEConfig:
    """Three levels with hops 64, 32, 16 at 800 Hz; one block of kernel 3 everywhere."""
    head = head or ("mel" if front == "mel" else "istft")
    fsq = {"kind": "fsq", "fsq_steps": [4, 4]} if kind == "fsq" else {}
    return VQVAEConfig(
        frontend=front,
        hierarchy=hierarchy,
        head=head,
        mel=MEL,
        width=16,
        kernel_size=3,
        expansion=2,
        stem_strides=[2] if front == "mel" else [4, 4],
        stem_blocks=1,
        head_strides={"mel": [2], "istft": [2], "transposed": [4, 4]}[head],
        head_blocks=1,
        levels=[
            LevelConfig(
                encoder_blocks=1,
                condition_blocks=1,
                decoder_blocks=1,
                quantizer=QuantizerConfig(codebook_size=16, codebook_dim=4, num_codebooks=codebooks, **fsq),  # type: ignore[arg-type]
            )
            for codebooks in (1, 1, 2)
        ],
    )


def model(front: str = "mel", hierarchy: str = "conditional", head: str | None = None, kind: str = "ema") -> VQVAE:
    """An untrained model, always the same one, with residual branches large enough to matter."""
    torch.manual_seed(0)
    made = VQVAE(config(front, hierarchy, head, kind))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "project.weight" in name or (kind == "fsq" and "project_in.weight" in name):
                parameter.mul_(10)
    return made.eval()


VARIANTS = [
    ("mel", "conditional", "mel", "ema"),
    ("mel", "residual", "mel", "ema"),
    ("mel", "independent", "mel", "fsq"),
    ("mel", "parallel", "mel", "ema"),
    ("wave", "conditional", "istft", "ema"),
    ("wave", "conditional", "transposed", "fsq"),
    ("mel", "conditional", "istft", "ema"),
    ("wave", "residual", "mel", "ema"),
]
