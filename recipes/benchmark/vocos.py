"""Vocos: no codec but a vocoder, here for the cost and the quality of sound from mels that nobody has coded."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from recipes.benchmark.codec import Encoded, NotAvailableError
from recipes.benchmark.weights import find_weights, need_package


class VocosCodec:
    """Log-mels of 24 kHz sound and back; its bits are those of the mels as floats of 32 bits."""

    hub_name = "charactr/vocos-mel-24khz"
    sample_rate = 24_000

    def __init__(self, setting: str, weights: str | None = None) -> None:
        del setting  # it has none
        need_package("vocos")
        folder = find_weights(self.hub_name, weights)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # the same random weights in every run
            self._features, network = _trained(Path(folder)) if folder else _random()
        self._network = network.eval()
        self.trained = folder is not None
        self.identity = folder or "random weights"
        self.name = "Vocos 24 kHz, mels not coded" + ("" if self.trained else " (random weights)")
        self.num_parameters: int | None = sum(parameter.numel() for parameter in network.parameters())

    @torch.inference_mode()
    def encode(self, wave: Tensor) -> Encoded:
        mel = self._features(wave)
        return Encoded(mel, 32 * mel.numel(), None)

    @torch.inference_mode()
    def decode(self, encoded: Encoded) -> Tensor:
        return self._network(encoded.content)


def _random() -> tuple[nn.Module, nn.Module]:
    from vocos.feature_extractors import MelSpectrogramFeatures
    from vocos.heads import ISTFTHead
    from vocos.models import VocosBackbone

    backbone = VocosBackbone(input_channels=100, dim=512, intermediate_dim=1536, num_layers=8)
    head = ISTFTHead(dim=512, n_fft=1024, hop_length=256, padding="center")
    return MelSpectrogramFeatures(), nn.Sequential(backbone, head)


def _trained(folder: Path) -> tuple[nn.Module, nn.Module]:
    from vocos import Vocos

    for name in ("config.yaml", "pytorch_model.bin"):
        if not (folder / name).is_file():
            raise NotAvailableError(f"{folder / name} is not there", f"expected the files of {VocosCodec.hub_name}")
    model = Vocos.from_hparams(str(folder / "config.yaml"))
    model.load_state_dict(torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True))
    return model.feature_extractor, nn.Sequential(model.backbone, model.head)
