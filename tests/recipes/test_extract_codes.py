"""The recipe: which shard a process does, and that the shards make the table of one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiovq.pretrained import save_model
from audiovq.tokenizer import load_once
from audiovq.tokens import TokenTable
from recipes.extract_codes import ExtractCodesConfig, extract_codes, shard_around
from tests.models import tiny


@pytest.mark.parametrize(
    "environment, expected",
    [
        ({}, (0, 1)),
        ({"RANK": "2", "WORLD_SIZE": "4", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, (2, 4)),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "8"}, (3, 8)),
        ({"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "8"}, (4, 8)),
        (
            {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_PROCID": "2", "SLURM_NTASKS": "4"},
            (6, 8),
        ),
    ],
)
def test_each_process_of_a_launcher_has_a_shard_of_its_own(
    environment: dict[str, str], expected: tuple[int, int]
) -> None:
    assert shard_around(environment) == expected


def test_the_shards_of_two_processes_make_a_table(tmp_path: Path) -> None:
    load_once.cache_clear()
    save_model(tmp_path / "model", tiny.model(), "tiny", "CC0-1.0")
    random = np.random.default_rng(0)
    (tmp_path / "sounds").mkdir()
    for i in range(3):
        soundfile.write(tmp_path / f"sounds/{i}.wav", 0.1 * random.standard_normal(500), 800)
    config = ExtractCodesConfig(
        data=str(tmp_path / "sounds"), output_dir=str(tmp_path / "out"), model=str(tmp_path / "model")
    )
    for rank in ("1", "0"):
        assert extract_codes(config, {"RANK": rank, "WORLD_SIZE": "2"}) == 0
    config.merge = True
    assert extract_codes(config, {}) == 0
    assert list(TokenTable(tmp_path / "out")) == ["sounds-0", "sounds-1", "sounds-2"]


def test_a_sound_that_fails_does_not_end_the_other_processes(tmp_path: Path) -> None:
    load_once.cache_clear()
    save_model(tmp_path / "model", tiny.model(), "tiny", "CC0-1.0")
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds/1.wav").write_text("no sound")
    soundfile.write(tmp_path / "sounds/2.wav", np.full(500, 0.1), 800)
    config = ExtractCodesConfig(
        data=str(tmp_path / "sounds"), output_dir=str(tmp_path / "out"), model=str(tmp_path / "model")
    )
    assert [extract_codes(config, {"RANK": rank, "WORLD_SIZE": "2"}) for rank in "01"] == [0, 0]
    config.merge = True
    assert extract_codes(config, {}) == 1
    assert (
        list(TokenTable(tmp_path / "out")) == ["sounds-2"] and "sounds-1" in (tmp_path / "out/failed.jsonl").read_text()
    )
