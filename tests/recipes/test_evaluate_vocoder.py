"""The table of vocoders: sounds as decoding makes them, paired gains, resuming, and refusals."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import audiovq
from audiovq.audio import io
from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.audio.mel import LogMelConfig
from audiovq.data.kaldi import DataDir
from audiovq.metrics.log_mel import log_mel, log_mel_config, wave_log_mel_l1
from audiovq.models import VQVAE
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import ModelError, save_model, save_vocoder
from recipes.benchmark.speed import speech_like
from recipes.evaluate_vocoder import TRUE_MELS, EvaluateVocoderConfig, evaluate, summarise
from tests.models import tiny

RATE = 16000


@pytest.fixture
def config(tmp_path: Path) -> EvaluateVocoderConfig:
    """Two voices, of which one has said too little for STOI; a tokenizer and a vocoder that have learned nothing."""
    torch.manual_seed(0)
    lengths = {"ann-1": 15_001, "bob-1": 2_000}
    for name, length in lengths.items():
        io.write(tmp_path / f"{name}.wav", speech_like(1.0, RATE)[:, :length], RATE)
    DataDir({name: str(tmp_path / f"{name}.wav") for name in lengths}, {name: name[:3] for name in lengths}).save(
        tmp_path / "data"
    )
    save_vocoder(tmp_path / "vocoder", tiny_vocoder(LogMelConfig()), "tiny", "CC0-1.0")
    save_model(tmp_path / "model", VQVAE(replace(tiny.config(), mel=LogMelConfig())), "tiny", "CC0-1.0")
    return EvaluateVocoderConfig(
        vocoders=[str(tmp_path / "vocoder")],
        tokenizers=[str(tmp_path / "model")],
        data=str(tmp_path / "data"),
        output_dir=str(tmp_path / "out"),
        metrics=["log_mel_l1", "stoi"],
        num_threads=torch.get_num_threads(),
    )


def tiny_vocoder(mel: LogMelConfig) -> Vocoder:
    vocoder = Vocoder(VocoderConfig(mel=mel, head="magnitude", num_iterations=1, width=8, num_blocks=1))
    torch.nn.init.normal_(vocoder.head.log_gain.weight)  # type: ignore[union-attr,arg-type]
    return vocoder


def lines(config: EvaluateVocoderConfig) -> dict[str, Any]:
    read = map(json.loads, (Path(config.output_dir) / "scores.jsonl").read_text().splitlines()[1:])
    return {line["utterance"]: line for line in read}


def test_every_source_and_maker_is_measured_as_it_is_decoded(config: EvaluateVocoderConfig) -> None:
    text = evaluate(config)
    assert text == (Path(config.output_dir) / "RESULTS.md").read_text()
    vocoder, tokenizer = config.vocoders[0], config.tokenizers[0]
    sources = lines(config)["ann-1"]["sources"]
    assert list(sources) == [TRUE_MELS, tokenizer]
    wave, _ = io.read(DataDir.load(config.data).wav_scp["ann-1"])

    def distance(sound: torch.Tensor) -> float:
        return wave_log_mel_l1(wave[0], sound, log_mel_config(RATE))

    for (scores, _), name in zip(sources[tokenizer], ["griffin-lim", vocoder], strict=True):
        loaded = audiovq.load(tokenizer, vocoder=name)
        decoded = loaded.decode(loaded.encode(wave, sample_rate=RATE))[0]
        assert scores["log_mel_l1"] == pytest.approx(distance(decoded), abs=1e-8)
    inverter = MelGriffinLim(LogMelConfig())
    sound = torch.cat([inverter.push(log_mel(wave[0], LogMelConfig())), inverter.flush()])[: wave.shape[1]]
    assert sources[TRUE_MELS][0][0]["log_mel_l1"] == pytest.approx(distance(sound), abs=1e-8)
    assert sources[TRUE_MELS][1][0]["log_mel_l1"] != sources[TRUE_MELS][0][0]["log_mel_l1"]
    assert text.count("| griffin-lim |") == 2 and text.count(f"| {vocoder} |") == 4
    assert "- STOI has no value for 1 utterance(s): STOI needs" in text and "] n=1 |" in text
    assert "python -m recipes.evaluate_vocoder 'vocoders=[" in text


def test_of_long_sounds_the_beginning_is_taken(config: EvaluateVocoderConfig, tmp_path: Path) -> None:
    wave, _ = io.read(DataDir.load(config.data).wav_scp["ann-1"])
    io.write(tmp_path / "begins.wav", wave[:, : RATE // 2], RATE)
    DataDir({"ann-1": str(tmp_path / "begins.wav")}, {"ann-1": "ann"}).save(tmp_path / "short")
    short = replace(config, data=str(tmp_path / "short"), output_dir=str(tmp_path / "out_short"))
    text, _ = evaluate(replace(config, most_seconds=0.5)), evaluate(short)
    assert "most_seconds=0.5" in text
    assert lines(config)["ann-1"] == lines(short)["ann-1"]
    with pytest.raises(ValueError, match="most_seconds is -1, expected 0 or more"):
        replace(config, most_seconds=-1)


def test_gains_are_means_of_differences_of_the_same_utterances() -> None:
    def utterance(first: dict[str, float], second: dict[str, float]) -> dict[str, Any]:
        return {"sources": {TRUE_MELS: [[first, {}], [second, {}]]}}

    utterances = [utterance({"stoi": 0.5}, {"stoi": 0.75}), utterance({}, {"stoi": 0.1}), utterance({"stoi": 1.0}, {})]
    first, second = summarise(utterances, ["griffin-lim", "mine"], ["stoi", "pesq_wb"])
    assert (first["scores"]["stoi"]["mean"], first["scores"]["stoi"]["count"]) == (0.75, 2)
    assert first["gains"]["stoi"]["mean"] == 0
    assert second["scores"]["stoi"]["mean"] == pytest.approx(0.425)
    assert (second["gains"]["stoi"]["mean"], second["gains"]["stoi"]["count"]) == (0.25, 1)
    assert second["scores"]["pesq_wb"] is None


def test_it_goes_on_where_it_stopped_and_two_processes_do_as_one(config: EvaluateVocoderConfig, tmp_path: Path) -> None:
    config.num_utterances = 1
    evaluate(config)
    (before,) = lines(config).items()
    config.num_utterances = 0
    evaluate(config)
    after = lines(config)
    assert next(iter(after.items())) == before and len(after) == 2
    config.num_workers, config.output_dir = 2, str(tmp_path / "again")
    evaluate(config)
    assert lines(config) == after


def test_what_does_not_fit_is_refused_before_anything_is_written(config: EvaluateVocoderConfig, tmp_path: Path) -> None:
    save_vocoder(tmp_path / "other", tiny_vocoder(LogMelConfig(hop_length=200)), "other", "CC0-1.0")
    config.vocoders.append(str(tmp_path / "other"))
    with pytest.raises(ModelError, match=r"reads other mels than .*hop_length"):
        evaluate(config)
    config.vocoders = ["nowhere"]
    with pytest.raises(ModelError, match="no model 'nowhere': expected a bundled vocoder"):
        evaluate(config)
    assert not Path(config.output_dir).exists()


def test_the_command_line_knows_these_settings() -> None:
    with initialize_config_dir(str(Path(__file__).parents[2] / "configs"), version_base="1.3"):
        settings = compose("evaluate_vocoder", ["vocoders=[a,b/c]", "data=d", "output_dir=e", "tokenizers=[]"])
    expected = EvaluateVocoderConfig(vocoders=["a", "b/c"], data="d", output_dir="e", tokenizers=[])
    assert OmegaConf.to_object(settings) == expected
