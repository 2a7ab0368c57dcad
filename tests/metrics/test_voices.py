"""ViSQOL and speaker similarity on recorded voices."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.speaker import speaker_similarity
from audiovq.metrics.visqol import visqol_speech

RATE = 16_000
DATA = Path(__file__).parents[2] / "egs" / "mini" / "data"


def voice(name: str, seconds: float = 2.0) -> Tensor:
    wave, sample_rate = io.read(DATA / f"{name}.flac")
    assert sample_rate == RATE
    return wave[0, : round(seconds * RATE)]


@pytest.fixture(scope="module")
def allison() -> Tensor:
    return voice("en_allison/agent-alreadyon")


def noisy(wave: Tensor, size: float) -> Tensor:
    return wave + size * torch.randn(wave.shape, generator=torch.Generator().manual_seed(0))


def test_visqol_falls_with_noise(allison: Tensor) -> None:
    grades = [visqol_speech(allison, noisy(allison, size), RATE) for size in (0.0, 0.003, 0.03)]
    assert grades[0] > 4.3
    assert grades[0] - 0.1 > grades[1] > grades[2] + 1


def test_visqol_listens_at_its_own_rate(allison: Tensor) -> None:
    result = noisy(allison, 0.01)
    shifted = visqol_speech(allison.repeat_interleave(2), result.repeat_interleave(2), 2 * RATE)
    assert shifted == pytest.approx(visqol_speech(allison, result, RATE), abs=0.3)


def test_a_voice_is_more_like_itself_than_like_another(allison: Tensor) -> None:
    again, other = voice("en_allison/vm-nobox"), voice("it_carlo/vm-mismatch")
    length = min(map(len, (allison, again, other)))
    allison, again, other = allison[:length], again[:length], other[:length]
    assert speaker_similarity(allison, allison, RATE) == pytest.approx(1.0, abs=1e-5)
    assert speaker_similarity(allison, again, RATE) > speaker_similarity(allison, other, RATE) + 0.1
    assert speaker_similarity(allison, noisy(allison, 0.05), RATE) < 0.9


@pytest.mark.parametrize("measure", [visqol_speech, speaker_similarity])
def test_what_is_short_or_silent_has_no_score(measure: type, allison: Tensor) -> None:
    for reference, result in (
        (allison[: RATE // 2], allison[: RATE // 2]),
        (allison, torch.zeros_like(allison)),
        (torch.zeros_like(allison), allison),
    ):
        with pytest.raises(NotMeasurableError):
            measure(reference, result, RATE)
