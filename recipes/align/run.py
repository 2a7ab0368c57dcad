"""The run: train, then align everything."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from audiovq.build import config_to_dict
from audiovq.data.length_batches import ordered_length_batches
from audiovq.data.symbol_tables import Aligned, write_alignments
from audiovq.pretrained import find, load_model
from audiovq.priors.alignment.search import monotonic_durations
from audiovq.system.distributed import rank
from audiovq.tokenizer import Tokenizer
from audiovq.train.launch import launch
from audiovq.train.loop import Loop
from audiovq.train.preemption import StopRequests
from recipes.align.config import AlignConfig
from recipes.align.corpus import Collator, Corpus, Utterance
from recipes.align.report import report
from recipes.align.task import AlignTask


def align(config: AlignConfig) -> int:
    """Train, or go on with it, and write the alignments of all splits. Returns the exit code."""
    network, about = load_model(find(config.data.tokenizer))
    tokenizer = Tokenizer(network, about.name)
    corpus = Corpus(config.data, tokenizer)
    known = corpus.inventories()
    collate = Collator(tokenizer.model, known, float(tokenizer.frame_rates[-1]))
    model = dataclasses.replace(
        config.model,
        num_symbols=len(known.symbols),
        num_speakers=len(known.speakers),
        num_languages=len(known.languages),
        num_features=collate.num_features,
    )
    config = dataclasses.replace(config, model=model)
    settings = config_to_dict(config)
    weights = (find(config.data.tokenizer) / "model.safetensors").read_bytes()
    settings["tokenizer_sha256"] = hashlib.sha256(weights).hexdigest()
    train, held_out = corpus.splits["train"], corpus.splits.get("valid") or corpus.splits["train"]
    with StopRequests(config.time_budget_minutes) as stop:
        fabric = launch(config.device, config.precision, config.num_threads)
        task = AlignTask(config, train, held_out, known, collate, fabric)
        exit_code = Loop(task, config, settings, fabric, stop).run()
    if exit_code == 0 and rank() == 0:
        task.averaged()
        for split, items in corpus.splits.items():
            write_split(config, task, split, items)
    return exit_code


def write_split(config: AlignConfig, task: AlignTask, split: str, items: list[Utterance]) -> None:
    """Align a split, write the table and print what can be said of it."""
    rate = task.collate.frames_per_second
    found: dict[int, Aligned] = {}
    score, num_frames = 0.0, 0
    lengths = [item.spoken.num_frames for item in items]
    for batch in ordered_length_batches(lengths, round(config.data.batch_seconds * rate)):
        for index, log_probs in zip(batch, task.log_probs([items[index] for index in batch]), strict=True):
            spoken, units = items[index].spoken, items[index].units
            own = log_probs[: spoken.num_frames, : len(units.places)].cpu().numpy()
            durations = monotonic_durations(own, units.optional)
            score += float(own[np.arange(len(own)), np.repeat(np.arange(len(durations)), durations)].sum())
            num_frames += len(own)
            found[index] = Aligned(
                spoken.utt_id, spoken.speaker, spoken.language, spoken.symbols, units.over_symbols(durations)
            )
    aligned = [found[index] for index in range(len(items))]
    path = Path(config.data.alignments or config.data.symbols) / f"alignments_{split}.parquet"
    write_alignments(path, aligned)
    places = [item.units.places.tolist() for item in items]
    print(report(f"{path}", aligned, places, 1000 / rate, score / max(1, num_frames)))
    crowded = [item.spoken.utt_id for item in items if not item.is_possible]
    if crowded:
        print(f"  {len(crowded)} have fewer frames than sounds, which were spread evenly: {' '.join(crowded[:5])} ...")
