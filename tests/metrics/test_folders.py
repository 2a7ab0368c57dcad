"""Folders against folders: who is paired with whom, what is kept, what is said of failures."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.metrics import choice, pair_scorer
from audiovq.metrics.align import estimate_delay, fit
from audiovq.metrics.cepstral import mcd_dtw
from audiovq.metrics.folders import score_folders
from audiovq.metrics.pairs import PairError, match
from audiovq.metrics.waveform import si_sdr
from recipes.benchmark.speed import speech_like

RATE = 16_000


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three references and two results, one in another format and another rate."""
    monkeypatch.chdir(tmp_path)
    generator = torch.Generator().manual_seed(0)
    for number, name in enumerate(["a", "deep/b", "c"]):
        wave = speech_like(0.6 + number / 10, RATE)
        for folder, suffix, noise in (("ref", "wav", 0.0), ("gen", "flac", 0.01)):
            path = Path(folder, f"{name}.{suffix}")
            path.parent.mkdir(parents=True, exist_ok=True)
            io.write(path, wave + noise * torch.randn(wave.shape, generator=generator), RATE)
    Path("gen/c.flac").unlink()
    io.write("gen/d.wav", torch.zeros(2, 100), RATE)
    return tmp_path


def lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in Path("out/scores.jsonl").read_text().splitlines()[1:]]


@pytest.mark.usefixtures("here")
def test_same_paths_are_pairs_and_the_others_are_named() -> None:
    summary = score_folders("ref", "gen", "out", ["si_sdr", "mel_distance"])
    assert {line["utterance"] for line in lines()} == {"a", "deep/b"}
    assert summary["failures"] == [{"utterance": "c", "reason": "there is no result of this name"}]
    assert summary["without_reference"] == ["d"]
    assert summary == json.loads(Path("out/summary.json").read_text())
    (first, _), (second, _) = io.read("ref/a.wav"), io.read("gen/a.flac")
    by_name = {line["utterance"]: line["scores"] for line in lines()}
    assert by_name["a"]["si_sdr"] == pytest.approx(si_sdr(first[0], second[0]), abs=1e-6)  # type: ignore[index]
    mean = np.mean([by_name[name]["si_sdr"] for name in by_name])  # type: ignore[index]
    assert summary["metrics"]["si_sdr"]["mean"] == pytest.approx(mean)
    assert summary["metrics"]["si_sdr"]["n"] == 2
    scp = Path("out/gen.scp").read_text().splitlines()
    assert scp == [f"a {Path('gen/a.flac').absolute()}", f"deep/b {Path('gen/deep/b.flac').absolute()}"]
    again = score_folders("out/ref.scp", "out/gen.scp", "out2", ["si_sdr", "mel_distance"], num_workers=2)
    assert again["metrics"] == summary["metrics"]


@pytest.mark.usefixtures("here")
def test_what_is_scored_is_kept_and_more_metrics_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = io.read

    def reading(path: Path) -> tuple[Tensor, int]:
        read.append(str(path))
        return original(path)

    monkeypatch.setattr(pair_scorer.io, "read", reading)
    first = score_folders("ref", "gen", "out", ["si_sdr"])
    assert len(read) == 4
    assert score_folders("ref", "gen", "out", ["si_sdr"]) == first
    assert len(read) == 4
    more = score_folders("ref", "gen", "out", ["si_sdr", "stft_distance"])
    assert len(read) == 8
    assert list(more["metrics"]) == ["si_sdr", "stft_distance"]
    assert more["metrics"]["si_sdr"] == first["metrics"]["si_sdr"]
    io.write("gen/a.flac", io.read("ref/a.wav")[0], RATE)
    assert score_folders("ref", "gen", "out", ["si_sdr"])["metrics"]["si_sdr"]["high"] == 100
    # A run that was killed in the middle of a line.
    path = Path("out/scores.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    assert score_folders("ref", "gen", "out", ["si_sdr"])["metrics"]["si_sdr"]["n"] == 2


@pytest.mark.usefixtures("here")
def test_a_broken_file_costs_only_its_pair() -> None:
    Path("gen/a.flac").write_bytes(b"no sound")
    summary = score_folders("ref", "gen", "out", ["si_sdr"])
    assert [each["utterance"] for each in summary["failures"]] == ["a", "c"]
    assert "not a sound file" in summary["failures"][0]["reason"]
    assert summary["metrics"]["si_sdr"]["n"] == 1
    assert "- a failed: " in Path("out/RESULTS.md").read_text()


@pytest.mark.usefixtures("here")
def test_other_rates_channels_and_lengths_are_compared_and_noted() -> None:
    wave, _ = io.read("ref/a.wav")
    longer = torch.cat([wave, torch.zeros(1, 200)], 1).repeat_interleave(2, 1).repeat(2, 1)
    io.write("gen/a.flac", longer, 2 * RATE)
    score_folders("ref", "gen", "out", ["mel_distance"])
    line = next(line for line in lines() if line["utterance"] == "a")
    assert line["notes"] == ["result mixed to mono", "result resampled", "result longer: trimmed"]
    assert line["length_difference_samples"] == 200


@pytest.mark.usefixtures("here")
def test_a_missing_package_leaves_out_its_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda name: name not in ("pystoi", "distillmos"))
    summary = score_folders("ref", "gen", "out", ["stoi", "distillmos", "si_sdr"])
    assert summary["left_out"] == {
        "stoi": "it needs the package pystoi: pip install 'audiovq[eval]'",
        "distillmos": "it needs the package distillmos: pip install --no-deps distillmos xls-r-sqa",
    }
    assert list(summary["metrics"]) == ["si_sdr"]


class FakeRecogniser:
    def __init__(self, model: str) -> None: ...

    def transcribe(self, wave: Tensor, sample_rate: int, language: str) -> str:
        return "one two free" if len(wave) > 0.65 * RATE else "one two"


@pytest.mark.usefixtures("here")
def test_error_rates_are_of_all_texts_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_scorer, "Recogniser", FakeRecogniser)
    monkeypatch.setattr(choice, "is_installed", lambda name: True)
    texts = {"a": "one two", "deep/b": "one two three"}
    summary = score_folders("ref", "gen", "out", ["wer", "cer"], texts=texts)
    assert summary["metrics"]["wer"]["mean"] == summary["reference_error_rates"]["wer"]["mean"] == pytest.approx(1 / 5)
    assert summary["metrics"]["cer"]["mean"] == pytest.approx(2 / 20)  # free, three
    # Without texts what is heard in the reference is right.
    assert score_folders("ref", "gen", "out", ["wer"])["metrics"]["wer"]["mean"] == 0


def test_without_any_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda name: name != "faster_whisper")
    with pytest.raises(
        ValueError, match=r"nothing to score with: wer: it needs the package faster_whisper: pip install"
    ):
        score_folders("ref", "gen", "out", ["wer"])


def test_what_cannot_be_paired_is_said(here: Path) -> None:
    Path("ref/a.flac").write_bytes(b"")
    with pytest.raises(PairError, match=r"a\.flac and ref/a\.wav have the same name"):
        match("ref", "gen")
    with pytest.raises(PairError, match="no sound of gen/deep has the name of one of gen"):
        match("gen", "gen/deep")
    with pytest.raises(PairError, match="expected a folder of sounds or a file that ends in"):
        match("nowhere", "gen")
    with pytest.raises(ValueError, match="no metric is called 'stio'"):
        score_folders("ref", "gen", "out", ["stio"])
    assert not (here / "out").exists()


@pytest.mark.parametrize("delay", [-800, -3, 0, 1, 37, 1105, 3999])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_delay_is_found_to_the_sample(delay: int, sign: int, pair: tuple[Tensor, Tensor]) -> None:
    clean, noisy = pair
    shifted = sign * (torch.cat([torch.zeros(delay), noisy]) if delay > 0 else noisy[-delay:])
    assert estimate_delay(clean, shifted, RATE) == delay


def test_a_delay_is_found_without_phases(pair: tuple[Tensor, Tensor]) -> None:
    clean, _ = pair
    window = torch.hann_window(512)
    spectrum = torch.stft(clean, 512, 128, window=window, return_complex=True)
    phases = torch.rand(spectrum.shape, generator=torch.Generator().manual_seed(0)) * 2 * torch.pi
    other = torch.istft(torch.polar(spectrum.abs(), phases), 512, 128, window=window)
    delayed = torch.cat([torch.zeros(1000), other])
    assert estimate_delay(clean, delayed, RATE) == pytest.approx(1000, abs=64)
    assert estimate_delay(clean, torch.zeros_like(clean), RATE) == 0


def test_fitting_by_hand() -> None:
    reference, result = torch.arange(1.0, 7.0), torch.tensor([0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    late = fit(reference, result, 2)
    assert late.reference.tolist() == late.result.tolist() == [1, 2, 3, 4]
    early = fit(reference, reference[1:], -1)
    assert early.reference.tolist() == early.result.tolist() == [2, 3, 4, 5, 6]
    short = fit(reference, reference[:4])
    assert short.result.tolist() == [1, 2, 3, 4, 0, 0] and short.notes == ("result shorter: padded",)
    assert fit(reference[:4], reference).result.tolist() == [1, 2, 3, 4]


def test_scores_that_warp_time_get_both_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wave = speech_like(0.5, RATE)
    held = torch.cat([wave[:, :4_000], wave[:, 3_840:4_000].repeat(1, 20), wave[:, 4_000:]], dim=1)
    for folder, sound in (("ref", wave), ("gen", held)):
        Path(folder).mkdir()
        io.write(f"{folder}/a.wav", sound, RATE)
    scores = score_folders("ref", "gen", "out", ["mcd", "mcd_dtw"])["metrics"]
    (first, _), (second, _) = io.read("ref/a.wav"), io.read("gen/a.wav")
    assert scores["mcd_dtw"]["mean"] == pytest.approx(mcd_dtw(first[0], second[0], RATE))
    assert scores["mcd_dtw"]["mean"] < 0.7 * scores["mcd"]["mean"]
