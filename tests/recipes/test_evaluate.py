"""Evaluation of a tiny stand-in for a model: resuming, refusing, counting, and the same tables for any order."""

import base64
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn import functional as F

import audiovq
from audiovq.audio import io
from audiovq.audio.mel import LogMelConfig
from audiovq.codes import Codes
from audiovq.data.kaldi import DataDir
from audiovq.metrics import choice
from audiovq.metrics.intelligibility import stoi
from audiovq.metrics.summary import Summary
from audiovq.report import Report
from recipes.benchmark.speed import speech_like
from recipes.evaluate import __main__, scorer  # noqa: F401  (registers its configuration)
from recipes.evaluate.config import EvaluateConfig
from recipes.evaluate.run import evaluate

RATE, HOPS, SIZE = 16_000, (320, 160), 16


class FakeTokenizer:
    """Two levels of loudness, decoded into noise."""

    sample_rate, num_levels = RATE, 2
    model = SimpleNamespace(config=SimpleNamespace(head="mel", mel=LogMelConfig(), stereo="separate", num_channels=1))

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, wave: Tensor, sample_rate: int) -> Codes:
        assert sample_rate == RATE
        self.encoded += 1
        padded = F.pad(wave.abs(), (0, -wave.shape[1] % HOPS[0]))
        levels = tuple((F.avg_pool1d(padded, hop, hop) * 60).long().clamp(0, SIZE - 1) for hop in HOPS)
        return Codes(levels, RATE, wave.shape[1], HOPS, (SIZE, SIZE), "fake@1", len(wave))

    def decode(self, codes: Codes, levels: int) -> Tensor:
        loudness = codes.levels[levels - 1].repeat_interleave(HOPS[levels - 1], dim=1)[:, : codes.num_samples]
        noise = torch.randn(loudness.shape, generator=torch.Generator().manual_seed(1))
        return loudness / 60 * noise

    def decode_mel(self, codes: Codes, levels: int) -> Tensor:
        return torch.zeros(codes.num_channels, 80, -(-codes.num_samples // 160)) - levels


class FakeRecogniser:
    def __init__(self, model: str, num_threads: int) -> None: ...

    def transcribe(self, wave: Tensor, sample_rate: int, language: str) -> str:
        assert language == "en"
        return "hello word"


@pytest.fixture
def tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTokenizer:
    fake = FakeTokenizer()
    monkeypatch.setattr(audiovq, "load", lambda model, device, vocoder: fake)
    monkeypatch.setattr(scorer, "Recogniser", FakeRecogniser)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").touch()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"1")
    return fake


@pytest.fixture
def config(tmp_path: Path) -> EvaluateConfig:
    """Three utterances of two speakers; the second of ann is too short for STOI."""
    lengths = {"ann-1": 15_001, "ann-2": 2_000, "bob-1": 14_000}
    for name, length in lengths.items():
        io.write(tmp_path / f"{name}.wav", speech_like(1.0, RATE)[:, :length], RATE)
    speakers = {name: name[:3] for name in lengths}
    texts = {"ann-1": "Hello, world!", "ann-2": "", "bob-1": "ahoj"}
    languages = {"ann-1": "en", "ann-2": "en", "bob-1": "cs"}
    paths = {name: str(tmp_path / f"{name}.wav") for name in lengths}
    DataDir(paths, speakers, texts, languages).save(tmp_path / "data")
    return EvaluateConfig(
        model=str(tmp_path / "model"),
        data=str(tmp_path / "data"),
        output_dir=str(tmp_path / "out"),
        metrics=["log_mel_l1", "stoi"],
        num_threads=torch.get_num_threads(),
    )


def summary_of(config: EvaluateConfig) -> Summary:
    content: Summary = json.loads((Path(config.output_dir) / "summary.json").read_text())
    return content


@pytest.mark.usefixtures("tokenizer")
def test_every_prefix_gets_a_row_and_what_has_no_value_is_counted(config: EvaluateConfig) -> None:
    text = evaluate(config)
    assert text == (Path(config.output_dir) / "RESULTS.md").read_text()
    assert "3 utterances of 2 speakers, 0.0 minutes" in text
    assert f"python -m recipes.evaluate model={config.model} data={config.data} output_dir=" in text
    assert "| 1 | 200 |" in text
    assert "| 2 | 600 |" in text
    assert "] n=2 |" in text
    assert "n=3" not in text
    assert "- STOI has no value for 1 utterance(s) at levels=1, 2: STOI needs 0.3968 s of speech" in text
    first, second = summary_of(config)["prefixes"]
    assert (first["scores"]["stoi"]["count"], first["scores"]["log_mel_l1"]["count"]) == (2, 3)
    # The stand-in's spectrogram is -1 everywhere with one level, and -2 with two.
    means = [prefix["scores"]["decoder_log_mel_l1"]["mean"] for prefix in (first, second)]
    assert means[0] - means[1] == pytest.approx(1, abs=0.3)
    codebooks = summary_of(config)["codebooks"]
    expected = [row["entropy_bits"] * rate for row, rate in zip(codebooks, (50, 100), strict=True)]
    assert 0 < expected[0] < 200
    assert first["entropy_bits_per_second"] == pytest.approx(expected[0])
    assert second["entropy_bits_per_second"] == pytest.approx(sum(expected))
    assert f"| 2 | 600 | {sum(expected):.0f} |" in text
    assert [row["num_codes"] for row in codebooks] == [47 + 7 + 44, 94 + 14 + 88]


def test_scores_compare_the_decoded_with_the_original(config: EvaluateConfig, tokenizer: FakeTokenizer) -> None:
    evaluate(config)
    lines = map(json.loads, (Path(config.output_dir) / "scores.jsonl").read_text().splitlines()[1:])
    scores = next(line for line in lines if line["utterance"] == "ann-1")
    original, _ = io.read(DataDir.load(config.data).wav_scp["ann-1"])
    codes = tokenizer.encode(original, RATE)
    assert Codes.from_bytes(base64.b64decode(scores["codes"])) == codes
    for levels, values in enumerate(scores["prefixes"], start=1):
        decoded = tokenizer.decode(codes, levels)
        assert values["stoi"] == pytest.approx(stoi(original, decoded, RATE), abs=1e-8)


def test_a_second_run_scores_only_what_is_new(config: EvaluateConfig, tokenizer: FakeTokenizer) -> None:
    config.num_utterances = 2
    evaluate(config)
    assert tokenizer.encoded == 2
    lines = (Path(config.output_dir) / "scores.jsonl").read_text().splitlines()
    assert {json.loads(line)["speaker"] for line in lines[1:]} == {"ann", "bob"}
    config.num_utterances = 0
    evaluate(config)
    assert tokenizer.encoded == 3
    resumed = summary_of(config)
    evaluate(config)
    assert tokenizer.encoded == 3
    (Path(config.output_dir) / "scores.jsonl").unlink()
    evaluate(config)
    assert summary_of(config) == resumed


def test_the_sounds_of_a_few_are_kept_for_a_report(config: EvaluateConfig, tokenizer: FakeTokenizer) -> None:
    config.num_clips, config.cer = 2, True
    evaluate(config)
    folder, encoded, run = Path(config.output_dir), tokenizer.encoded, Path(config.model).parent.name
    report = Report.load(folder)
    assert [system.name for system in report.systems] == ["original", f"{run}, 1 level", f"{run}, 2 levels"]
    assert [system.bits_per_second for system in report.systems] == [0, 200, 600]
    assert {clip.id[:3] for clip in report.clips} == {"ann", "bob"}  # the voices take turns
    assert report.systems[2].scores["cer"].mean == pytest.approx(1 / 11)
    assert report.systems[2].scores["stoi"].mean == summary_of(config)["prefixes"][1]["scores"]["stoi"]["mean"]
    assert [sum(codebook.counts) for codebook in report.systems[2].codebooks] == [98, 196]
    clip = next(clip for clip in report.clips if clip.id == "bob-1")
    original, _ = io.read(folder / clip.original)
    assert torch.equal(original, io.read(DataDir.load(config.data).wav_scp["bob-1"])[0])
    decoded = tokenizer.decode(tokenizer.encode(original, RATE), levels=1)
    kept, rate = io.read(folder / clip.files[f"{run}, 1 level"])
    assert rate == RATE
    torch.testing.assert_close(kept, decoded.clamp(-1, 1), atol=1e-4, rtol=0)
    (folder / clip.files[f"{run}, 1 level"]).unlink()
    evaluate(config)
    assert Report.load(folder) == report
    assert tokenizer.encoded == encoded + 1  # by this test, not by the recipe


@pytest.mark.usefixtures("tokenizer")
def test_a_full_disk_leaves_the_old_tables_as_they_are(config: EvaluateConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config.num_utterances, config.num_clips = 2, 0
    evaluate(config)
    before = {path: path.read_bytes() for path in Path(config.output_dir).iterdir() if path.suffix in (".json", ".md")}
    assert len(before) == 3

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    config.metrics = ["stoi", "log_mel_l1"]
    (Path(config.output_dir) / "scores.jsonl").unlink()
    monkeypatch.setattr("audiovq.system.files.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        evaluate(config)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.usefixtures("tokenizer")
def test_scores_of_other_weights_are_refused(config: EvaluateConfig, tmp_path: Path) -> None:
    evaluate(config)
    (tmp_path / "model" / "README.md").write_text("words about the model are not the model")
    evaluate(config)
    (tmp_path / "model" / "model.safetensors").write_bytes(b"2")
    with pytest.raises(ValueError, match="holds scores with sha256 = "):
        evaluate(config)


@pytest.mark.usefixtures("tokenizer")
def test_error_rates_are_taken_where_there_is_a_text_in_a_language_that_is_known(config: EvaluateConfig) -> None:
    config.cer = True
    text = evaluate(config)
    # "hello word" for "hello world": 1 error in 11 characters; ann-2 has no text, and Czech is not on the list.
    assert "| en | 1 | 0.091 [0.091, 0.091] | 0.091 [0.091, 0.091] | 0.091 [0.091, 0.091] |" in text
    assert "- CER leaves out 1 utterance(s): no text to compare with" in text
    assert "- CER leaves out 1 utterance(s): of a language that is not in cer_languages" in text


@pytest.mark.usefixtures("tokenizer")
def test_a_missing_package_leaves_out_its_metric_and_says_so(
    config: EvaluateConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choice, "is_installed", lambda name: name != "pystoi")
    text = evaluate(config)
    assert "leaving out stoi: it needs the package pystoi: pip install 'audiovq[eval]'" in capsys.readouterr().err
    assert "STOI" not in text
    assert "log-mel L1 of the wave" in text


@pytest.mark.usefixtures("tokenizer")
def test_mistakes_are_said_before_any_work(config: EvaluateConfig) -> None:
    config.metrics = ["stio"]
    with pytest.raises(ValueError, match="no metric is called 'stio'; there are log_mel_l1,"):
        evaluate(config)
    assert not Path(config.output_dir).exists()


def test_the_command_line_knows_these_settings_and_no_others() -> None:
    folder = str(Path(__file__).parents[2] / "configs")
    with initialize_config_dir(folder, version_base="1.3"):
        settings = compose("evaluate", ["model=a", "data=b", "output_dir=c", "metrics=[stoi]", "num_workers=2"])
        expected = EvaluateConfig(model="a", data="b", output_dir="c", metrics=["stoi"], num_workers=2)
        assert OmegaConf.to_object(settings) == expected
        with pytest.raises(ConfigCompositionException):
            compose("evaluate", ["num_worker=2"])


@pytest.mark.usefixtures("tokenizer")
def test_stereo_is_scored_as_stereo_and_its_mean_as_mono(config: EvaluateConfig, tmp_path: Path) -> None:
    config.metrics = ["log_mel_l1", "level_difference_error"]
    evaluate(config)
    mono = summary_of(config)["prefixes"]
    assert "level_difference_error" not in mono[0]["scores"] or not mono[0]["scores"]["level_difference_error"]["count"]
    for name in ("ann-1", "ann-2", "bob-1"):
        wave, _ = io.read(tmp_path / f"{name}.wav")
        io.write(tmp_path / f"{name}.wav", torch.cat([wave, wave / 4]), RATE)
    config.output_dir = str(tmp_path / "stereo")
    evaluate(config)
    stereo = summary_of(config)["prefixes"]
    assert [prefix["bits_per_second"] for prefix in stereo] == [2 * prefix["bits_per_second"] for prefix in mono]
    assert stereo[0]["scores"]["level_difference_error"]["count"] == 3
    assert stereo[0]["scores"]["log_mel_l1"]["count"] == 3
    original, _ = io.read(next((tmp_path / "stereo/sounds").glob("*riginal*/ann-1.flac")))
    assert original.shape == (2, 15_001)


@pytest.mark.usefixtures("tokenizer")
def test_only_the_beginning_is_scored(config: EvaluateConfig) -> None:
    config.most_seconds = 0.5
    evaluate(config)
    assert summary_of(config)["seconds"] == pytest.approx(0.5 + 2_000 / RATE + 0.5)
