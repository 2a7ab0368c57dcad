"""Prepare a corpus: WAV files of one rate, Kaldi data directories and lhotse cuts for train, valid and test.

    python -m recipes.prepare corpus=debian_speech corpus.root=downloads/debian_speech output_dir=data/debian_speech
    python -m recipes.prepare corpus=folder corpus.root=my_recordings output_dir=data/mine step=data_dirs

The steps, in their order: data_dirs, validate, cuts; step=all does all three. The same command again goes on where it
stopped. Whatever is left out of the data is named in dropped.jsonl with the reason; what else is known of an utterance,
such as its composer, is in labels.jsonl. step=download fetches the corpus first, where a library can.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra
import torch
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, MissingMandatoryValue, OmegaConf
from rich.console import Console
from rich.progress import track
from rich.table import Table

from audiovq import units
from audiovq.data.convert import Converted, convert
from audiovq.data.corpora import CORPORA
from audiovq.data.corpora.utterance import SPLITS, Corpus, CorpusError, Utterance
from audiovq.data.cuts import write_cuts
from audiovq.data.kaldi import DataDir, DataDirError, validate
from audiovq.system.files import write_atomically

_UTTERANCES_PER_TASK = 32
_SHOWN_LANGUAGES = 12


class Step(Enum):
    """What to do."""

    all = "all"
    download = "download"
    data_dirs = "data_dirs"
    validate = "validate"
    cuts = "cuts"


@dataclass(kw_only=True)
class PrepareConfig:
    """Settings of recipes/prepare.py."""

    corpus: Any = MISSING  # one of CORPORA
    output_dir: str = MISSING
    step: Step = Step.all
    sample_rate: int = 16000
    num_channels: int = 1  # 2 keeps stereo; mono recordings are then on both sides
    min_seconds: float = 0.3  # shorter recordings are dropped
    num_jobs: int = 2

    def __post_init__(self) -> None:
        if self.num_channels not in (1, 2):
            raise ValueError(f"num_channels is {self.num_channels}, expected 1 or 2")


def register() -> None:
    """Make the dataclasses known to hydra."""
    store = ConfigStore.instance()
    store.store(name="base_prepare", node=PrepareConfig)
    for name, corpus in CORPORA.items():
        store.store(group="corpus", name=name, node=corpus)


def prepare(config: PrepareConfig) -> None:
    """Do the steps that are asked for.

    Raises: ValueError (CorpusError, DataDirError, AudioError) if the corpus, a data directory or the disk is to blame.
    """
    if config.step is Step.download:
        cast(Corpus, config.corpus).download()
        return
    folder = Path(config.output_dir).resolve()  # wav.scp names absolute paths: they hold wherever a program is started
    if config.step in (Step.all, Step.data_dirs):
        make_data_dirs(config, folder)
    for split in SPLITS:
        if not (folder / split / "wav.scp").exists():
            raise DataDirError(f"{folder / split / 'wav.scp'} is missing: first run this with step=data_dirs")
    if config.step in (Step.all, Step.validate):
        validate_all(folder, config.sample_rate, config.num_channels)
    if config.step in (Step.all, Step.cuts):
        for split in SPLITS:
            write_cuts(DataDir.load(folder / split), folder / f"cuts_{split}.jsonl.gz")
        print(f"cuts: {folder}/cuts_{{{','.join(SPLITS)}}}.jsonl.gz")


def make_data_dirs(config: PrepareConfig, folder: Path) -> None:
    """List, convert, and write what is usable and what is not."""
    utterances = list_utterances(config.corpus)
    results = list(convert_all(utterances, folder / "wavs", config))
    dropped = dict(drop_reasons(results))
    sources = {utterance.id: str(utterance.source) for utterance in utterances}
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(
        folder / "dropped.jsonl",
        [{"id": key, "source": sources[key], "reason": reason} for key, reason in dropped.items()],
    )
    seconds = {result.id: units.samples_to_seconds(result.num_samples, config.sample_rate) for result in results}
    kept = [utterance for utterance in utterances if utterance.id not in dropped]
    for split in SPLITS:
        chosen = [utterance for utterance in kept if utterance.split == split]
        if not chosen:
            raise DataDirError(
                f"{split} has no utterance: check the voices that are held out, and {folder}/dropped.jsonl"
            )
        DataDir(
            wav_scp={utterance.id: str(wav_path(folder / "wavs", utterance)) for utterance in chosen},
            utt2spk={utterance.id: utterance.speaker for utterance in chosen},
            text={utterance.id: utterance.text for utterance in chosen},
            utt2lang={utterance.id: utterance.language for utterance in chosen},
            utt2dur={utterance.id: seconds[utterance.id] for utterance in chosen},
        ).save(folder / split)
    labels = [{"id": utterance.id, "labels": dict(utterance.labels)} for utterance in kept if utterance.labels]
    write_lines(folder / "labels.jsonl", labels)
    Console().print(summary(kept, seconds))
    kinds = Counter(reason.split(":")[0] for reason in dropped.values())
    print(f"{len(dropped)} dropped, each named in {folder}/dropped.jsonl:", dict(kinds.most_common()))


def list_utterances(corpus: Corpus) -> list[Utterance]:
    """The utterances in the order of their ids. Raises: CorpusError if two have the same."""
    by_id: dict[str, Utterance] = {}
    for utterance in corpus.utterances():
        other = by_id.setdefault(utterance.id, utterance)
        if other is not utterance:
            raise CorpusError(f"{other.source} and {utterance.source} would both be {utterance.id}: rename one of them")
    return [by_id[key] for key in sorted(by_id, key=str.encode)]


def write_lines(path: Path, items: Iterable[Mapping[str, object]]) -> None:
    """Write JSON lines, all of them or none."""
    with write_atomically(path) as file:
        file.writelines((json.dumps(item, ensure_ascii=False) + "\n").encode() for item in items)


def wav_path(folder: Path, utterance: Utterance) -> Path:
    """Where an utterance's converted sound lies."""
    return folder / utterance.speaker / f"{utterance.id}.wav"


def convert_all(utterances: list[Utterance], folder: Path, config: PrepareConfig) -> Iterator[Converted]:
    """Convert in order, on several processes or for one job in this one; what an earlier run finished is only read."""
    work = partial(_convert_one, folder=folder, config=config)
    shown = partial(track, description="converting", total=len(utterances), console=Console(stderr=True))
    if config.num_jobs == 1:
        yield from shown(map(work, utterances))
        return
    spawn = multiprocessing.get_context("spawn")  # a forked torch may hang
    with ProcessPoolExecutor(config.num_jobs, spawn, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from shown(pool.map(work, utterances, chunksize=_UTTERANCES_PER_TASK))


def _convert_one(utterance: Utterance, folder: Path, config: PrepareConfig) -> Converted:
    path = wav_path(folder, utterance)
    return convert(utterance, path, config.sample_rate, config.min_seconds, config.num_channels)


def drop_reasons(results: Iterable[Converted]) -> Iterator[tuple[str, str]]:
    """The id and reason of each utterance that is not used: it is unusable, or an earlier one has the same samples."""
    first_with: dict[str, str] = {}
    for result in results:
        if result.drop_reason:
            yield result.id, result.drop_reason
        elif first_with.setdefault(result.digest, result.id) != result.id:
            yield result.id, f"same samples as another: {first_with[result.digest]}"


def validate_all(folder: Path, sample_rate: int, num_channels: int) -> None:
    """Check the data directories and that no voice is in two of them.

    Raises: DataDirError with everything that is wrong.
    """
    problems = [
        problem for split in SPLITS for problem in validate(folder / split, sample_rate, num_channels=num_channels)
    ]
    if not problems:
        split_of: dict[str, str] = {}
        for split in SPLITS:
            for speaker in DataDir.load(folder / split).spk2utt:
                if split_of.setdefault(speaker, split) != split:
                    print(f"note: the voice {speaker} is in {split_of[speaker]} and in {split}")
    if problems:
        raise DataDirError("\n".join([*problems, f"{len(problems)} problems"]))
    print(f"valid: {folder}/{{{','.join(SPLITS)}}}")


def summary(utterances: list[Utterance], seconds: dict[str, float]) -> Table:
    """What each split holds."""
    table = Table("split", "utterances", "with text", "voices", "hours", "hours by language")
    for split in SPLITS:
        chosen = [utterance for utterance in utterances if utterance.split == split]
        hours: defaultdict[str, float] = defaultdict(float)
        for utterance in chosen:
            hours[utterance.language] += seconds[utterance.id] / 3600
        largest = sorted(hours.items(), key=lambda item: -item[1])
        shown = ", ".join(f"{language} {value:.2f}" for language, value in largest[:_SHOWN_LANGUAGES])
        others = len(hours) - _SHOWN_LANGUAGES
        table.add_row(
            split,
            str(len(chosen)),
            str(sum(bool(utterance.text) for utterance in chosen)),
            str(len({utterance.speaker for utterance in chosen})),
            f"{sum(hours.values()):.2f}",
            shown + (f" and {others} more" if others > 0 else ""),
        )
    return table


register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="prepare")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        prepare(cast(PrepareConfig, OmegaConf.to_object(config)))
    except (ValueError, MissingMandatoryValue) as error:
        sys.exit(f"prepare: {error}")


if __name__ == "__main__":
    main()
