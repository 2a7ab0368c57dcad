"""Evaluation of a real, tiny, untrained model: in several processes, and as a command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from audiovq.audio import io
from audiovq.audio.mel import LogMelConfig
from audiovq.data.kaldi import DataDir
from audiovq.models import VQVAE, LevelConfig, VQVAEConfig
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import save_model, save_vocoder
from recipes.benchmark.speed import speech_like
from recipes.evaluate.__main__ import main
from recipes.evaluate.config import EvaluateConfig
from recipes.evaluate.run import evaluate


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a model, and data in it at another rate than the model's."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    save_model(Path("model"), VQVAE(VQVAEConfig(width=16, levels=[LevelConfig() for _ in range(3)])), "tiny", "CC0-1.0")
    names = [f"speaker-{number}" for number in range(3)]
    for number, name in enumerate(names):
        io.write(f"{name}.wav", speech_like(0.8 + 0.1 * number, 24_000), 24_000)
    DataDir({name: f"{name}.wav" for name in names}, dict.fromkeys(names, "speaker")).save("data")


def test_more_processes_change_nothing() -> None:
    for num_workers in (1, 2):
        evaluate(
            EvaluateConfig(
                model="model",
                data="data",
                output_dir=str(num_workers),
                metrics=["mel_distance", "stoi"],
                num_workers=num_workers,
            )
        )
    one, two = (json.loads(Path(folder, "summary.json").read_text()) for folder in ("1", "2"))
    assert one == two
    assert [prefix["levels"] for prefix in one["prefixes"]] == [1, 2, 3]
    assert set(one["prefixes"][0]["scores"]) == {"decoder_log_mel_l1", "mel_distance", "stoi"}


def test_the_vocoder_is_scored_and_named() -> None:
    save_vocoder(Path("voc"), Vocoder(VocoderConfig(width=16, num_blocks=1)), "voc", "CC0-1.0")

    def summary_with(vocoder: str) -> dict[str, Any]:
        config = EvaluateConfig(
            model="model", data="data", output_dir=f"out-{vocoder}", metrics=["mel_distance"], vocoder=vocoder
        )
        assert ("with vocoder voc (" in evaluate(config)) == (vocoder == "voc")
        summary: dict[str, Any] = json.loads(Path(config.output_dir, "summary.json").read_text())
        return summary

    network, plain = summary_with("voc"), summary_with("griffin-lim")
    assert network["subject"]["vocoder"] == "voc" and "vocoder" not in plain["subject"]
    scores = [summary["prefixes"][-1]["scores"] for summary in (network, plain)]
    assert scores[0]["mel_distance"]["mean"] != scores[1]["mel_distance"]["mean"]
    assert scores[0]["decoder_log_mel_l1"] == scores[1]["decoder_log_mel_l1"]
    other = EvaluateConfig(model="model", data="data", output_dir="out-voc", metrics=["mel_distance"])
    with pytest.raises(ValueError, match="holds scores with vocoder = voc, this run has None"):
        evaluate(replace(other, vocoder="griffin-lim"))


def test_a_vocoder_of_other_mels_is_refused_before_any_work() -> None:
    mel = LogMelConfig(fmax=7600.0)
    save_vocoder(Path("voc"), Vocoder(VocoderConfig(mel=mel, width=16, num_blocks=1)), "voc", "CC0-1.0")
    with pytest.raises(ValueError, match=r"fmax is 7600\.0, expected 8000\.0"):
        evaluate(EvaluateConfig(model="model", data="data", output_dir="out", vocoder="voc"))
    assert not Path("out").exists()


def test_what_is_wrong_is_one_line_and_what_was_right_is_kept() -> None:
    Path("speaker-2.wav").write_text("no sound")
    config = EvaluateConfig(model="model", data="data", output_dir="out", metrics=["mel_distance"])
    with pytest.raises(SystemExit) as stop:
        main(OmegaConf.structured(config))
    assert stop.value.code == "evaluate: speaker-2.wav is not a sound file that libsndfile can read"
    scored = {json.loads(line).get("utterance") for line in Path("out/scores.jsonl").read_text().splitlines()[1:]}
    assert scored <= {"speaker-0", "speaker-1"}
