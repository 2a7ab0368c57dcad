"""A tokenizer and a vocoder learn on whatever device they are: nothing made on the way lies on another."""

from __future__ import annotations

import pytest
import torch

from audiovq.data.resident import ResidentCorpus
from audiovq.losses.masked import compressed, l1_loss
from audiovq.models import VQVAE
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.nn.mask import FrameMask
from tests.device import ELSEWHERE, moved, pretended
from tests.models import tiny


@pytest.mark.parametrize("hierarchy", ["conditional", "parallel", "residual", "independent"])
@pytest.mark.parametrize("front", ["mel", "wave"])
def test_a_tokenizer(hierarchy: str, front: str) -> None:
    model = VQVAE(tiny.config(front, hierarchy)).train()
    with pretended():
        moved(model)
        for quantizer in model.hierarchy.quantizers:
            quantizer.eval()  # in training they look at values
        wave = torch.zeros(2, 1, 640, device=ELSEWHERE)
        mask = FrameMask.from_lengths(torch.tensor([10, 8]).to(ELSEWHERE), 10)
        output = model(wave, mask, torch.tensor([1, 3]).to(ELSEWHERE))
        codes = model.encode(model.features(wave), mask)
        assert model.decode(codes[:2], mask).device == ELSEWHERE
        target = model.log_mel(wave) if front == "mel" else wave
        loss = l1_loss(output.output, target, None) + sum(level.commitment_loss for level in output.quantized)
        assert loss.device == ELSEWHERE


def test_a_vocoder() -> None:
    vocoder = Vocoder(VocoderConfig(mel=tiny.MEL, head="magnitude", width=8, num_blocks=1))
    with pretended():
        moved(vocoder)
        mel, mask = torch.zeros(2, 6, 20, device=ELSEWHERE), torch.ones(2, 1, 20, device=ELSEWHERE)
        made = vocoder(mel, mask)
        assert l1_loss(compressed(made), torch.zeros_like(made), mask).device == ELSEWHERE


def test_a_corpus_in_memory() -> None:
    with pretended():
        corpus = ResidentCorpus([("a", torch.zeros(1, 3000))], 1000, ELSEWHERE)
        drawn = corpus.epoch_batches(1.0, 2.0, [0.92], seed=1, epoch=0)
        assert all(batch.wave.device == ELSEWHERE for batch in corpus.load(drawn, 16, 1, 0))
