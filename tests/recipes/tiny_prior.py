"""A corpus of codes, symbols and durations, and a training of a prior on it that takes a second or two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiovq import load
from audiovq.pretrained import save_model
from audiovq.priors.condition import ConditionConfig
from audiovq.priors.config import PriorConfig
from audiovq.priors.transformer import TransformerConfig
from audiovq.tokens import Entry, Layout
from audiovq.tokens.writer import arrow_tables, write_table
from audiovq.train.config import OptimConfig
from recipes.pack_prior import main as pack_prior
from recipes.schema import PriorDataConfig, TrainPriorConfig
from recipes.train_prior.__main__ import train
from tests.models import tiny

SYMBOLS = ["_", "a", "b", "c"]


def corpus(folder: Path, num_utterances: int = 8) -> PriorDataConfig:
    """Utterances whose codes follow from their symbols, so that there is something to learn."""
    save_model(folder / "model", tiny.model(), "tiny", "CC0-1.0")
    tokenizer = load(folder / "model")
    layout = Layout(
        tokenizer.model_id,
        tokenizer.sample_rate,
        tokenizer.hop_lengths,
        tokenizer.codebook_sizes,
        tokenizer.num_codebooks,
    )
    random = np.random.default_rng(0)
    entries, rows = [], []
    for index in range(num_utterances):
        num_coarse = 3 + index % 4
        durations = random.multinomial(4 * num_coarse - 4, [0.25] * 4) + 1
        symbols = [int(symbol) for symbol in random.integers(1, len(SYMBOLS), 4)]
        fine = np.repeat(symbols, durations)
        levels = (
            *(fine[::factor].astype(dtype) for factor, dtype in zip((4, 2), layout.dtypes, strict=False)),
            np.repeat(fine, 2).astype(layout.dtypes[2]),
        )
        name, speaker = f"u{index}", f"s{index % 2}"
        entries.append(Entry(name, num_coarse * 64 - 5, 1, 0, levels, speaker, "words", "de"))
        words = [SYMBOLS[symbol] for symbol in symbols]
        rows.append({"utt_id": name, "speaker": speaker, "language": "de", "symbols": words, "durations": durations})
    write_table(folder / "tokens", layout, arrow_tables(entries, layout))
    for split, part in (("train", rows[2:]), ("valid", rows[:2])):
        pq.write_table(pa.Table.from_pylist(part), folder / f"alignments_{split}.parquet")
    voices = [{"utt_id": row["utt_id"], "voice": random.standard_normal(12).astype(np.float32)} for row in rows]
    pq.write_table(pa.Table.from_pylist(voices), folder / "voices.parquet")
    text = {"frontend": "characters", "symbols": SYMBOLS, "languages": ["de"]}
    (folder / "text.json").write_text(json.dumps(text))
    return PriorDataConfig(
        tokens=[str(folder / "tokens")],
        train_alignments=str(folder / "alignments_train.parquet"),
        valid_alignments=str(folder / "alignments_valid.parquet"),
        voices=str(folder / "voices.parquet"),
        text=str(folder / "text.json"),
        batch_seconds=1.5,
    )


def settings(
    data: PriorDataConfig, folder: Path, kind: str = "cascade", level: int = 0, **changes: Any
) -> TrainPriorConfig:
    values: dict[str, Any] = {
        "name": "tiny-prior",
        "output_dir": str(folder),
        "tokenizer": str(Path(data.text).parent / "model"),
        "total_steps": 8,
        "device": "cpu",
        "precision": "32-true",
        "log_every": 1,
        "validate_every": 4,
        "checkpoint_every": 2,
        "model": PriorConfig(
            kind=kind,
            level=level,
            context_blocks=1,
            condition=ConditionConfig(text_blocks=1, frame_blocks=1, kernel_size=3, expansion=2),
            transformer=TransformerConfig(width=16, num_layers=1, num_heads=2, expansion=2),
        ),
        "data": data,
        "optim": OptimConfig(warmup_steps=2, learning_rate=1e-2),
    }
    return TrainPriorConfig(**(values | changes))


def packed(folder: Path, finest: str = "masked") -> Path:
    """A prior in folder/packed, its parts beside it, and the tokenizer of its codes in folder/model.

    ``finest``: the kind of the network of the finest level; the others are cascades.
    """
    data = corpus(folder)
    parts = ("durations", "level0", "level1", "level2")
    for part in parts:
        changes: dict[str, Any] = {"total_steps": 2}
        if part == "durations":
            changes |= {"part": "durations", "optim": OptimConfig(warmup_steps=2, learning_rate=1e-3)}
        level = int(part[-1]) if part != "durations" else 0
        assert train(settings(data, folder / part, finest if level == 2 else "cascade", level, **changes)) == 0
    assert pack_prior([*(str(folder / part) for part in parts), "-o", str(folder / "packed")]) == 0
    return folder
