"""Utterances through a stand-in codec: what lies in its folder afterwards, and what a second run does again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.metrics.score_file import ScoreFileError
from recipes.benchmark.codec import CodecError, Encoded
from recipes.benchmark.codecs import SCORED_RATE, Utterance, code_all, file_name, write_references
from recipes.benchmark.synthetic import speech_like


class LateCodec:
    """Keeps the wave, but gives it back late, with 4 bits a sample and 80 more for its file."""

    name, trained, identity = "late", True, "v1"
    num_parameters: int | None = None

    def __init__(self, sample_rate: int = SCORED_RATE, delay: int = 120, refuses: int = -1) -> None:
        self.sample_rate, self._delay, self._refuses = sample_rate, delay, refuses
        self.lengths: list[int] = []

    def encode(self, wave: Tensor) -> Encoded:
        self.lengths.append(wave.shape[1])
        if wave.shape[1] == self._refuses:
            raise CodecError("too short for me")
        return Encoded(wave, 4 * wave.shape[1], 4 * wave.shape[1] + 80)

    def decode(self, encoded: Encoded) -> Tensor:
        return torch.nn.functional.pad(encoded.content, (self._delay, 0))[:, : encoded.content.shape[1]]


@pytest.fixture
def utterances(tmp_path: Path) -> list[Utterance]:
    found = []
    for number, seconds in enumerate((0.5, 0.75, 1.0)):
        path = tmp_path / "reference" / f"u{number}.wav"
        path.parent.mkdir(exist_ok=True)
        io.write(path, speech_like(2.0, SCORED_RATE)[:, : round(seconds * SCORED_RATE)], SCORED_RATE)
        found.append(Utterance(f"u{number}", "a", path, seconds))
    return found


def test_delays_are_undone_and_bits_counted(tmp_path: Path, utterances: list[Utterance]) -> None:
    codec = LateCodec()
    coded = code_all("late:1", codec, utterances, tmp_path / "late")
    for utterance in utterances:
        original, result = io.read(utterance.path)[0], io.read(tmp_path / "late" / "wav" / utterance.path.name)[0]
        assert torch.equal(original, result)  # its end too: silence was put behind it
    assert codec.lengths[-3:] == [8_120, 12_120, 16_120]
    assert coded.delays_samples == (120,) * 3
    assert coded.payload_bits_per_second == 4 * SCORED_RATE
    assert coded.file_bits_per_second == pytest.approx(4 * SCORED_RATE + 3 * 80 / (36_360 / SCORED_RATE))
    assert coded.failures == {}


def test_another_rate_comes_back_at_the_scored_one(tmp_path: Path, utterances: list[Utterance]) -> None:
    coded = code_all("late", LateCodec(8_000, delay=0), utterances, tmp_path / "late")
    assert coded.payload_bits_per_second == 4 * 8_000
    wave, sample_rate = io.read(tmp_path / "late" / "wav" / "u0.wav")
    assert (wave.shape, sample_rate) == ((1, 8_000), SCORED_RATE)


def test_a_second_run_does_only_what_is_missing(tmp_path: Path, utterances: list[Utterance]) -> None:
    first = code_all("late", LateCodec(), utterances[:2], tmp_path / "late")
    assert code_all("late", LateCodec(), utterances[:2], tmp_path / "late") == first
    idle = LateCodec()
    code_all("late", idle, utterances[:2], tmp_path / "late")
    assert idle.lengths == []
    (tmp_path / "late" / "wav" / "u0.wav").unlink()
    busy = LateCodec()
    told: list[int] = []
    code_all("late", busy, utterances, tmp_path / "late", told.append)
    assert busy.lengths[-2:] == [8_120, 16_120]  # u0 and u2, after those that the delay is measured on
    assert told == [1, 2, 3]
    lines = (tmp_path / "late" / "coding.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["utterance"] for line in lines[1:]) == ["u0", "u1", "u2"]


def test_work_of_another_codec_is_not_mixed_in(tmp_path: Path, utterances: list[Utterance]) -> None:
    code_all("late", LateCodec(), utterances[:1], tmp_path / "late")
    other = LateCodec()
    other.identity = "v2"
    with pytest.raises(ScoreFileError, match="holds scores with identity = v1, this run has v2"):
        code_all("late", other, utterances[:1], tmp_path / "late")


def test_what_fails_is_named_and_the_rest_goes_on(tmp_path: Path, utterances: list[Utterance]) -> None:
    coded = code_all("late", LateCodec(delay=0, refuses=12_000), utterances, tmp_path / "late")
    assert coded.failures == {"u1": "too short for me"}
    assert sorted(path.name for path in (tmp_path / "late" / "wav").iterdir()) == ["u0.wav", "u2.wav"]


def test_a_codec_that_always_fails_is_named_for_every_utterance(tmp_path: Path, utterances: list[Utterance]) -> None:
    codec = LateCodec(refuses=8_000)
    coded = code_all("late", codec, utterances[:1], tmp_path / "late")
    assert coded.failures == {"u0": "too short for me"}
    assert (coded.payload_bits_per_second, coded.delays_samples) == (0, ())


def test_references_are_long_enough_and_drawn_over_the_voices(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    lengths = {"a-1": 0.3, "a-2": 0.1, "a-3": 0.4, "b-1": 0.3}
    for name, seconds in lengths.items():
        io.write(tmp_path / f"{name}.wav", speech_like(seconds, 8_000), 8_000)
    (data / "wav.scp").write_text("".join(f"{name} {tmp_path / name}.wav\n" for name in lengths))
    (data / "utt2spk").write_text("".join(f"{name} {name[0]}\n" for name in lengths))
    everything = write_references(str(data), tmp_path / "reference", 0, 0.25, 1)
    assert [(each.name, each.speaker, each.seconds) for each in everything] == [
        ("a-1", "a", 0.3),
        ("a-3", "a", 0.4),
        ("b-1", "b", 0.3),
    ]
    wave, sample_rate = io.read(everything[0].path)
    assert (wave.shape, sample_rate) == ((1, 4_800), SCORED_RATE)
    two = write_references(str(data), tmp_path / "reference", 2, 0.25, 1)
    assert {each.speaker for each in two} == {"a", "b"}
    io.write(tmp_path / "a-3.wav", torch.cat([torch.full((1, 1_600), 0.1), torch.zeros(1, 1_600)], dim=1), 8_000)
    short = write_references(str(data), tmp_path / "short", 0, 0.25, 1, 8_000, 0.2)
    assert short[1].seconds == 0.2 and io.read(short[1].path)[0].count_nonzero() == 1_600  # the part that sounds
    with pytest.raises(ValueError, match=r"is at 8000 Hz and 0\.2 s long: name another folder"):
        write_references(str(data), tmp_path / "short", 0, 0.25, 1)
    with pytest.raises(ValueError, match="none of its 4 utterances lasts 9 s"):
        write_references(str(data), tmp_path / "reference", 2, 9, 1)


def test_names_of_files() -> None:
    assert file_name("opus:9wb") == "opus-9wb"
    assert file_name("audiovq:exp/mine/model") == "audiovq-exp-mine-model"
    assert file_name("amr-wb:6.6") == "amr-wb-6.6"
