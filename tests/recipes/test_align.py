"""The recipe: it trains, goes on where it was stopped, and writes alignments of all splits."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydra import compose, initialize
from omegaconf import OmegaConf

from audiovq.data.speech_units import kind_of
from audiovq.data.symbol_tables import SymbolTableError, read_alignments, read_symbols
from audiovq.pretrained import ModelError, codes_hash, load_model, save_model
from audiovq.priors.alignment.aligner import AlignerConfig
from audiovq.tokens import Entry, Layout
from audiovq.tokens.writer import arrow_tables, write_table
from audiovq.train.config import OptimConfig
from recipes.align.config import AlignConfig, AlignDataConfig, register
from recipes.align.run import align
from recipes.align.task import AlignTask
from tests.models import tiny
from tests.recipes.tiny_run import last_state
from tests.same import same

SIZES = {"train": 12, "valid": 3, "test": 2}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer, a table of random codes, and symbols for all of them."""
    folder = tmp_path_factory.mktemp("corpus")
    save_model(folder / "model", tiny.model(), "tiny", "CC0-1.0")
    model, _ = load_model(folder / "model")
    config = model.config
    layout = Layout(f"tiny@{codes_hash(model)}", 800, config.hop_lengths, config.codebook_sizes, config.num_codebooks)
    random = np.random.default_rng(0)
    entries, rows = [], []
    for index in range(sum(SIZES.values())):
        frames = int(random.integers(2, 6))
        levels = tuple(
            random.integers(0, size, frames * factor * k).astype(dtype)
            for size, factor, k, dtype in zip(layout.codebook_sizes, (1, 2, 4), (1, 1, 2), layout.dtypes, strict=True)
        )
        entries.append(Entry(f"u{index:02d}", 64 * frames, 1, 0, levels))
        symbols = ["_", *random.choice(["a", "b", "ˈ", " "], size=frames), ".", "_"]  # noqa: RUF001
        rows.append(
            {"utt_id": f"u{index:02d}", "speaker": "s", "language": "en", "symbols": symbols, "num_frames": 4 * frames}
        )
    write_table(folder / "tokens", layout, arrow_tables(iter(entries), layout))
    start = 0
    for split, size in SIZES.items():
        pq.write_table(pa.Table.from_pylist(rows[start : start + size]), folder / f"symbols_{split}.parquet")
        start += size
    return folder


def settings(corpus: Path, folder: Path, **changes: Any) -> AlignConfig:
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "total_steps": 6,
        "prior_steps": 3,
        "device": "cpu",
        "log_every": 1,
        "validate_every": 3,
        "checkpoint_every": 2,
        "model": AlignerConfig(width=8, key_size=4, text_blocks=1, frame_blocks=1),
        "optim": OptimConfig(warmup_steps=2),
        "data": AlignDataConfig(
            symbols=str(corpus),
            tables=[str(corpus / "tokens")],
            alignments=str(folder / "out"),
            tokenizer=str(corpus / "model"),
            batch_seconds=1.0,
        ),
    }
    return AlignConfig(**(values | changes))


def test_each_frame_has_a_symbol_and_each_sound_a_frame(corpus: Path, tmp_path: Path) -> None:
    assert align(settings(corpus, tmp_path)) == 0
    for split, size in SIZES.items():
        spoken = read_symbols(corpus / f"symbols_{split}.parquet")
        aligned = read_alignments(tmp_path / "out" / f"alignments_{split}.parquet")
        assert [item.utt_id for item in aligned] == [item.utt_id for item in spoken] and len(aligned) == size
        for item, source in zip(aligned, spoken, strict=True):
            assert item.symbols == source.symbols and item.num_frames == source.num_frames
            for symbol, duration in zip(item.symbols, item.durations, strict=True):
                assert duration > 0 if kind_of(symbol) == "sound" else duration == 0 or kind_of(symbol) == "pause"
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"config.json", "model.safetensors"}


def test_interrupted_and_resumed_is_uninterrupted(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    align(settings(corpus, tmp_path / "whole"))
    after_update = AlignTask.after_update

    def die_at_five(self: AlignTask) -> None:
        if self.networks["aligner"].average.num_updates == 4:
            raise KeyboardInterrupt
        after_update(self)

    monkeypatch.setattr(AlignTask, "after_update", die_at_five)
    with pytest.raises(KeyboardInterrupt):
        align(settings(corpus, tmp_path / "parts"))
    assert not (tmp_path / "parts" / "out").exists()
    monkeypatch.setattr(AlignTask, "after_update", after_update)
    align(settings(corpus, tmp_path / "parts"))
    whole, parts = last_state(tmp_path / "whole"), last_state(tmp_path / "parts")
    assert whole["step"] == 6 and whole["epoch"] > 0
    assert same({**whole, "settings": {}}, {**parts, "settings": {}})


def test_tables_that_do_not_agree_are_refused(corpus: Path, tmp_path: Path) -> None:
    config = settings(corpus, tmp_path / "run")
    rows = pq.read_table(corpus / "symbols_train.parquet").to_pylist()
    for change, message in (({"num_frames": 1}, "u00 has 1 frames"), ({"utt_id": "other"}, "such as other")):
        pq.write_table(pa.Table.from_pylist([rows[0] | change, *rows[1:]]), tmp_path / "symbols_train.parquet")
        config.data = dataclasses.replace(config.data, symbols=str(tmp_path))
        with pytest.raises(SymbolTableError, match=message):
            align(config)
    with pytest.raises(ModelError, match="expected those of speech-16k"):
        align(dataclasses.replace(config, data=dataclasses.replace(config.data, tokenizer="speech-16k")))


def test_the_experiment_fits_the_schema() -> None:
    register()
    with initialize(version_base="1.3", config_path="../../configs"):
        config = OmegaConf.to_object(compose("align", overrides=["experiment=debian_speech_tts1_align"]))
    assert isinstance(config, AlignConfig) and len(config.data.tables) == 3
