"""Pieces of music as codes, and a training of a music prior on them that takes a second or two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

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


def corpus(folder: Path, num_pieces: int = 8) -> PriorDataConfig:
    """Pieces of 6 to 34 coarsest frames that repeat a bar of three; piece 0 and 1 are held out."""
    save_model(folder / "tokenizer", tiny.model(), "tiny", "CC0-1.0")
    tokenizer = load(folder / "tokenizer")
    layout = Layout(
        tokenizer.model_id,
        tokenizer.sample_rate,
        tokenizer.hop_lengths,
        tokenizer.codebook_sizes,
        tokenizer.num_codebooks,
    )
    random = np.random.default_rng(0)
    entries, labels = [], []
    for index in range(num_pieces):
        num_coarse = 6 + 4 * index
        levels = []
        for hop, size, books, dtype in zip(
            layout.hop_lengths, layout.codebook_sizes, layout.num_codebooks, layout.dtypes, strict=True
        ):
            factor = layout.hop_lengths[0] // hop
            bar = random.integers(0, size, (3 * factor, books))
            levels.append(np.tile(bar, (12, 1))[: num_coarse * factor].astype(dtype).reshape(-1))
        entries.append(Entry(f"m{index}", num_coarse * layout.hop_lengths[0], 1, 0, tuple(levels), "album"))
        known = {"package": f"game{index % 2}", "title": f"Tune {index}"}
        labels.append({"id": f"m{index}", "labels": known | ({"style": "calm"} if index % 4 == 2 else {})})
    for split, part in (("valid", entries[:2]), ("train", entries[2:])):
        write_table(folder / "tokens" / split, layout, arrow_tables(part, layout))
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    return PriorDataConfig(
        tokens=[str(folder / "tokens/train")],
        valid_tokens=[str(folder / "tokens/valid")],
        labels=str(folder / "labels.jsonl"),
        min_pieces_per_label=2,
        window_seconds=10 * layout.hop_lengths[0] / layout.sample_rate,
        batch_seconds=40 * layout.hop_lengths[0] / layout.sample_rate,
    )


def settings(
    data: PriorDataConfig, folder: Path, kind: str = "cascade", level: int = 0, **changes: Any
) -> TrainPriorConfig:
    values: dict[str, Any] = {
        "name": "tiny-music",
        "output_dir": str(folder),
        "tokenizer": str(Path(data.labels).parent / "tokenizer"),
        "total_steps": 8,
        "device": "cpu",
        "precision": "32-true",
        "log_every": 1,
        "validate_every": 4,
        "checkpoint_every": 2,
        "model": PriorConfig(
            kind=kind,
            reads="music",
            level=level,
            context_blocks=1,
            condition=ConditionConfig(kernel_size=3, expansion=2),
            transformer=TransformerConfig(width=16, num_layers=1, num_heads=2, expansion=2),
        ),
        "data": data,
        "optim": OptimConfig(warmup_steps=2, learning_rate=1e-2),
    }
    return TrainPriorConfig(**(values | changes))


def trained(folder: Path, kinds: tuple[str, ...] = ("cascade", "cascade", "cascade")) -> list[Path]:
    """The folders of the trained parts, in ``folder``, beside the tokenizer of their codes."""
    data = corpus(folder)
    parts = [folder / f"level{level}" for level in range(len(kinds))]
    for level, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
        assert train(settings(data, part, kind, level, total_steps=2, validate_every=2)) == 0
    return parts


def packed(folder: Path, kinds: tuple[str, ...] = ("cascade", "cascade", "cascade")) -> Path:
    """A music prior in folder/packed, and the tokenizer of its codes in folder/tokenizer."""
    parts = trained(folder, kinds)
    assert pack_prior([*map(str, parts), "-o", str(folder / "packed")]) == 0
    return folder
