"""What a new run takes over of a trained prior: by name, wherever it stood."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

from audiovq.pretrained import load_prior
from audiovq.train.launch import launch
from recipes.pack_prior import main as pack_prior
from recipes.schema import PriorDataConfig, TrainPriorConfig
from recipes.train_prior.__main__ import train
from recipes.train_prior.choose import task_of
from recipes.train_prior.prior_task import PriorTask
from recipes.train_prior.take_over import Inventory, take_over
from tests.recipes.tiny_prior import corpus, settings


def test_rows_go_by_name_and_new_ones_begin_with_the_mean() -> None:
    def part(num_speakers: int, size: int) -> nn.ModuleDict:
        return nn.ModuleDict({"speakers": nn.Embedding(num_speakers, 2), "head": nn.Linear(2, size)})

    own, known = part(3, 4), part(2, 5)
    known["speakers"].load_state_dict({"weight": torch.tensor([[1.0, 2.0], [3.0, 6.0]])})
    before = own.state_dict()["head.weight"].clone()
    done = take_over(own, known, {"speakers": Inventory(["carl", "anna", "bert"], ["anna", "carl"])})
    assert own.state_dict()["speakers.weight"].tolist() == [[3, 6], [1, 2], [2, 4]]
    assert torch.equal(own.state_dict()["head.weight"], before)  # of another size
    assert done == "1 of 3 tensors fit, 1 new speakers (bert)"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PriorDataConfig:
    return corpus(tmp_path_factory.mktemp("corpus"))


def other_corpus(data: PriorDataConfig, folder: Path) -> PriorDataConfig:
    """The same utterances by a speaker more, with a symbol more, which comes first."""
    rows = pq.read_table(data.train_alignments).to_pylist()
    rows[0]["speaker"], rows[1]["symbols"][0] = "r", "!"
    pq.write_table(pa.Table.from_pylist(rows), folder / "alignments.parquet")
    text = json.loads(Path(data.text).read_text())
    (folder / "text.json").write_text(json.dumps({**text, "symbols": ["!", *text["symbols"]]}))
    return replace(data, train_alignments=str(folder / "alignments.parquet"), text=str(folder / "text.json"))


def test_a_packed_prior_is_a_beginning_for_new_voices_and_symbols(data: PriorDataConfig, tmp_path: Path) -> None:
    runs = []
    for level in range(3):
        train(settings(data, tmp_path / f"level{level}", level=level, total_steps=2))
        runs.append(str(tmp_path / f"level{level}"))
    train(settings(data, tmp_path / "durations", part="durations", total_steps=2))
    assert pack_prior([str(tmp_path / "durations"), *runs, "-o", str(tmp_path / "all")]) == 0
    known, _ = load_prior(tmp_path / "all")
    other = other_corpus(data, tmp_path)
    for level in range(3):
        begun = replace(
            settings(other, tmp_path / f"more{level}", level=level),
            init_from=str(tmp_path / "all"),
            tokenizer=settings(data, tmp_path).tokenizer,
        )
        own, source = weights_of(begun), known.networks[level].state_dict()
        speakers, symbols = (source[f"condition.{name}.weight"] for name in ("speakers", "symbols"))
        assert torch.equal(own["condition.speakers.weight"][1:], speakers)  # r, s0, s1: r is new
        torch.testing.assert_close(own["condition.speakers.weight"][0], speakers.mean(0))
        assert torch.equal(own["condition.symbols.weight"][1:], symbols)
        assert torch.equal(own["heads.0.weight"], source["heads.0.weight"])
    durations = replace(settings(other, tmp_path / "more"), part="durations", init_from=str(tmp_path / "all"))
    assert torch.equal(weights_of(durations)["symbols.weight"][1:], known.durations[0].state_dict()["symbols.weight"])


def weights_of(config: TrainPriorConfig) -> dict[str, Tensor]:
    """Of the part that a run of it begins with."""
    task = task_of(config, launch("cpu", "32-true"))
    assert isinstance(task, PriorTask)
    return dict(task.part(task.prior).state_dict())


def test_what_has_no_such_part_is_no_beginning(data: PriorDataConfig, tmp_path: Path) -> None:
    train(settings(data, tmp_path / "level1", level=1, total_steps=2))
    model = str(tmp_path / "level1" / "model")
    with pytest.raises(ValueError, match=r"makes levels \[\[1\]\], none makes \[0\] alone"):
        task_of(replace(settings(data, tmp_path), init_from=model), launch("cpu", "32-true"))
    with pytest.raises(ValueError, match="forecasts no durations"):
        task_of(replace(settings(data, tmp_path), init_from=model, part="durations"), launch("cpu", "32-true"))
    spelled = tmp_path / "text.json"
    spelled.write_text(json.dumps({**json.loads(Path(data.text).read_text()), "frontend": "phonemes"}))
    with pytest.raises(ValueError, match="reads characters, the data are spelled in phonemes"):
        task_of(
            replace(
                settings(replace(data, text=str(spelled)), tmp_path, level=1),
                init_from=model,
                tokenizer=settings(data, tmp_path).tokenizer,
            ),
            launch("cpu", "32-true"),
        )
