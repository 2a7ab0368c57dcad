"""Generated music beside real music: what is compared, what goes on, what is said of failures."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from audiovq.audio import io
from audiovq.metrics.music import tagger
from recipes.score_music import items
from recipes.score_music.__main__ import main
from recipes.score_music.summary import frechet_distances
from tests.metrics.music.sounds import RATE, C, F, G, clicks, progression


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    generated, real = tmp_path / "generated", tmp_path / "real"
    generated.mkdir()
    real.mkdir()
    loud_then_quiet = progression(C, F, G, C, times=3)
    loud_then_quiet[13 * RATE // 2 :] /= 4
    for name, wave in (("clicks", clicks(120, 12)), ("quieter", loud_then_quiet)):
        io.write(generated / f"{name}.wav", wave[None], RATE)
    for name in ("a", "b"):
        io.write(real / f"{name}.wav", progression(C, F, G, C, times=6)[None], RATE)
    return generated, real, tmp_path / "scores"


class FakeTagger:
    """Embeds every window by its loudness."""

    def embed(self, wave: torch.Tensor, sample_rate: int) -> torch.Tensor:
        levels = torch.stack([part.square().mean() for part in wave.split(3 * sample_rate)])
        return levels[:, None] * torch.arange(float(tagger.DIMENSIONS))


def test_everything_is_scored_beside_real_stretches(
    folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    generated, real, out = folders
    monkeypatch.setattr(items, "Tagger", FakeTagger)
    monkeypatch.setattr("recipes.score_music.__main__.is_installed", lambda name: True)
    command = [str(generated), "--real", str(real), "-o", str(out), "--seam-seconds", "6.5"]
    assert main(command) == 0
    summary = json.loads((out / "summary.json").read_text())
    made, held_out = summary["groups"]["generated"], summary["groups"]["real"]
    assert (made["num_items"], held_out["num_items"]) == (2, 4)  # two stretches of 12 s of each piece of 24 s
    assert summary["subject"]["seconds"] == 12
    assert held_out["keys"] == {"C major": 4} and held_out["means"]["key_stability"]["mean"] == 1
    assert made["means"]["seam_within_bar"]["mean"] == 0.5  # the other jumps by 12 dB more than usual
    assert held_out["means"]["seam_within_bar"]["mean"] == 1
    assert summary["frechet"]["distances"]["real"] == pytest.approx(0, abs=1e-6)
    assert summary["frechet"]["distances"]["generated"] > summary["frechet"]["distances"]["real"]
    assert "| key stability |" in (out / "RESULTS.md").read_text()
    before = (out / "generated.jsonl").read_bytes()
    monkeypatch.setattr(items, "measure_piece", None)  # nothing is scored twice
    assert main(command) == 0
    assert (out / "generated.jsonl").read_bytes() == before


def test_labels_are_compared_with_what_is_heard(
    folders: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generated, real, out = folders
    (generated / "clicks.wav").rename(generated / "new-1.wav")
    (generated / "quieter.wav").rename(generated / "new-2.wav")
    made, known = tmp_path / "made.jsonl", tmp_path / "labels.jsonl"
    rows = [{"subject": {}}, {"utterance": "new/new-1", "labels": ["60 bpm", "strings"]}]
    rows += [{"utterance": "new/new-2", "labels": ["C minor"]}, {"utterance": "continued/a", "labels": []}]
    made.write_text("".join(json.dumps(row) + "\n" for row in rows))
    known.write_text('{"id": "a", "labels": {"key": "C major"}}\n{"id": "b", "labels": {"key": "G major"}}\n')
    command = [str(generated), "--real", str(real), "-o", str(out), "--no-embeddings"]
    assert main([*command, "--labels", str(made), "--real-labels", str(known)]) == 0
    groups = json.loads((out / "summary.json").read_text())["groups"]
    means = {name: group["means"] for name, group in groups.items()}
    assert means["generated"]["tempo_as_labelled"]["mean"] == 1  # 120 is the double of 60
    assert means["generated"]["key_as_labelled"]["mean"] == 0
    assert means["real"]["key_as_labelled"]["mean"] == 0.5 and "tempo_as_labelled" not in means["real"]
    assert "| share in the key of their label |" in (out / "RESULTS.md").read_text()
    made.write_text('{"utterance": "new/new-1"}\n')
    assert main([*command, "--labels", str(made)]) == 2
    assert 'made.jsonl:1: expected an object with "id" or "utterance"' in capsys.readouterr().err


def test_a_file_that_has_changed_is_scored_again(folders: tuple[Path, Path, Path]) -> None:
    generated, real, out = folders
    command = [str(generated), "--real", str(real), "-o", str(out), "--no-embeddings", "--seconds", "12"]
    assert main(command) == 0
    io.write(generated / "clicks.wav", clicks(97, 10)[None], RATE)
    assert main(command) == 0
    lines = [json.loads(line) for line in (out / "generated.jsonl").read_text().splitlines()[1:]]
    assert [round(line["tempo_bpm"]) for line in lines if line["utterance"] == "clicks"] == [120, 97]


def test_what_fails_is_named(folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    generated, real, out = folders
    wav = generated / "clicks.wav"
    wav.write_bytes(wav.read_bytes()[:-1000])
    assert main([str(generated), "--real", str(real), "-o", str(out), "--no-embeddings"]) == 1
    assert "clicks.wav is truncated" in capsys.readouterr().err
    assert main([str(generated), "--real", str(real), "-o", str(out), "--no-embeddings", "--seconds", "60"]) == 2
    assert "none of the 2 real sounds lasts 60 s" in capsys.readouterr().err


def test_random_codes_are_those_of_their_seed() -> None:
    scorer = items.MusicScorer(items.Settings(noise_model="speech-16k", embeds=False))
    first, second = items.random_codes(1.0, 2, seed=3)
    same = items.random_codes(1.0, 2, seed=3)[0]
    waves = [scorer._wave(item)[0] for item in (first, second, same)]
    assert len(waves[0]) == 16_000 and torch.equal(waves[0], waves[2]) and not torch.equal(waves[0], waves[1])


def test_real_pieces_are_halved_by_piece() -> None:
    def line(piece: str, value: float) -> dict[str, object]:
        rows = value + np.random.default_rng(0).normal(size=(8, tagger.DIMENSIONS))
        return {"piece": piece, "embeddings": base64.b64encode(rows.astype("<f4").tobytes()).decode()}

    # Two parts of each piece: were the halves mixed, their means would be the same.
    real = [line("a", 0.0), line("b", 10.0), line("a", 0.0), line("b", 10.0)]
    found = frechet_distances({"real": real, "generated": [line("c", 0.0), line("c", 0.0)]}, seed=1)
    assert found is not None and found["num_windows"] == 16
    assert found["distances"]["real"] == pytest.approx(100 * tagger.DIMENSIONS, rel=0.01)
    assert found["distances"]["generated"] == pytest.approx(50 * tagger.DIMENSIONS, rel=0.01)
    assert frechet_distances({"real": real[:1], "generated": real}, seed=1) is None


def test_what_is_as_long_as_the_generated_has_a_stretch(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    io.write(path, torch.zeros(1, 19_968), 1000)  # 19.968 s, which would round to 19.97
    (item,) = items.whole_files({"a": path}, 0, 1)
    assert [each.name for each in items.stretches({"a": path}, items.median_seconds([item]), 0, 1)] == ["a@0"]
