"""Choose the utterances of token tables for text to speech, and spell their texts as symbols.

    python -m recipes.prepare_tts experiment=debian_speech_tts1_data
    python -m recipes.prepare_tts 'tables=[tokens/train]' output_dir=data/tts 'speakers=[ann,bob]' frontend=characters

Writes symbols_train.parquet, symbols_valid.parquet and symbols_test.parquet, text.json with the inventory of symbols,
and dropped.jsonl with whatever was left out and why. The same sentence, whoever says it, is in one of the three only.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import hydra
import pyarrow as pa
import pyarrow.parquet as pq
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, MissingMandatoryValue, OmegaConf
from rich.console import Console
from rich.table import Table

from audiovq.data.text import TextConfig, TextError, TextFrontend, inventory
from audiovq.files import write_atomically
from audiovq.tokens import Layout, TokenTable

SPLITS = ("train", "valid", "test")
_COLUMNS = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("utt_id", "speaker", "language", "text")),
        pa.field("symbols", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
        pa.field("num_frames", pa.int64(), nullable=False),
    ]
)


@dataclass(kw_only=True)
class PrepareTtsConfig:
    """Settings of recipes/prepare_tts.py."""

    tables: list[str] = MISSING  # folders of token tables of one model
    output_dir: str = MISSING
    frontend: str = "phonemes"  # or characters
    speakers: list[str] = field(default_factory=list)  # none means all
    languages: list[str] = field(default_factory=list)  # none means all
    min_seconds: float = 0.5
    max_seconds: float = 20.0
    min_symbols: int = 2  # without the boundaries
    min_symbols_per_second: float = 3.0  # what is outside of these has another text than it says
    max_symbols_per_second: float = 30.0
    drop_pattern: str = ""  # texts in which this regular expression is found are dropped, such as stage directions
    check: list[str] = field(default_factory=list)  # DATA_heard.jsonl files of recipes/check_text.py
    max_cer: float = 0.5  # in `check`: texts that were heard otherwise are dropped
    valid_share: float = 0.03
    test_share: float = 0.05
    seed: int = 0  # of the split


@dataclass(kw_only=True)
class Row:
    """An utterance that may be used."""

    utt_id: str
    speaker: str
    language: str
    text: str
    seconds: float
    num_frames: int
    symbols: list[str] = field(default_factory=list)


class PrepareTtsError(ValueError):
    """Settings that fit no data, or data that fit no settings."""


def prepare_tts(config: PrepareTtsConfig) -> None:
    """Choose, spell, split and write.

    Raises: ValueError (PrepareTtsError, TokenTableError, TextError) if settings or data are to blame.
    """
    folder = Path(config.output_dir)
    rows, layout = read_rows([Path(table) for table in config.tables])
    check_names("speaker", config.speakers, (row.speaker for row in rows))
    check_names("language", config.languages, (row.language for row in rows))
    dropped: dict[str, str] = {}
    heard = read_heard(config.check)
    kept = []
    for row in rows:
        reason = reason_to_drop(row, config, heard)
        if reason:
            dropped[row.utt_id] = reason
        else:
            kept.append(row)
    kept = spell(kept, config, dropped)
    by_split: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row in kept:
        by_split[split_of(row.text, config)].append(row)
    symbols = inventory(row.symbols for row in by_split["train"])
    for split in SPLITS[1:]:
        by_split[split] = known_to_train(by_split[split], by_split["train"], symbols, dropped)
    for split in SPLITS:
        if not by_split[split]:
            raise PrepareTtsError(f"{split} would be empty: {len(rows)} utterances, dropped for {kinds(dropped)}")
    text = TextConfig(
        frontend=config.frontend, symbols=symbols, languages=sorted({row.language for row in by_split["train"]})
    )
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        write_symbols(folder / f"symbols_{split}.parquet", by_split[split])
    with write_atomically(folder / "dropped.jsonl") as file:
        lines = [{"utt_id": utt_id, "reason": reason} for utt_id, reason in sorted(dropped.items())]
        file.writelines((json.dumps(line, ensure_ascii=False) + "\n").encode() for line in lines)
    with write_atomically(folder / "text.json") as file:
        file.write((json.dumps(asdict(text), ensure_ascii=False, indent=1) + "\n").encode())
    Console().print(summary(by_split))
    print(f"{len(symbols)} symbols of {layout.model}'s {len(rows)} utterances: {folder}/text.json")
    print(f"{len(dropped)} dropped, each named in {folder}/dropped.jsonl: {kinds(dropped)}")


def read_rows(tables: list[Path]) -> tuple[list[Row], Layout]:
    """All utterances of the tables. Raises: PrepareTtsError if they are of several models or share an id."""
    rows: dict[str, Row] = {}
    layouts = []
    for path in tables:
        table = TokenTable(path)
        layouts.append(table.layout)
        if table.layout != layouts[0]:
            raise PrepareTtsError(f"{path} has codes of {table.layout.model}, {tables[0]} of {layouts[0].model}")
        for entry in table.entries():
            if entry.utt_id in rows:
                raise PrepareTtsError(f"{path}: {entry.utt_id} is there a second time")
            rows[entry.utt_id] = Row(
                utt_id=entry.utt_id,
                speaker=entry.speaker or "",
                language=entry.language or "",
                text=entry.text or "",
                seconds=entry.num_samples / table.layout.sample_rate,
                num_frames=len(table.layout.matrix(entry, table.layout.num_levels - 1)),
            )
    if not rows:
        raise PrepareTtsError(f"no utterance in {', '.join(map(str, tables)) or 'tables=[]'}")
    return list(rows.values()), layouts[0]


def check_names(what: str, wanted: Iterable[str], there: Iterable[str]) -> None:
    """Raises: PrepareTtsError for a name that nobody has."""
    known = set(there)
    if unknown := sorted(set(wanted) - known):
        raise PrepareTtsError(f"no {what} {', '.join(unknown)} in the tables; they have {', '.join(sorted(known))}")


def read_heard(paths: Iterable[str]) -> dict[tuple[str, str], float]:
    """Character error rates by utterance and text."""
    lines = [json.loads(line) for path in paths for line in Path(path).read_text("utf-8").splitlines()]
    return {(line["id"], line["text"]): line["cer"] for line in lines}


def reason_to_drop(row: Row, config: PrepareTtsConfig, heard: dict[tuple[str, str], float]) -> str | None:
    """Why an utterance cannot be used, from what is known before its text is spelt."""
    if config.speakers and row.speaker not in config.speakers:
        return "speaker not chosen"
    if config.languages and row.language not in config.languages:
        return "language not chosen"
    for name in ("speaker", "language", "text"):
        if not getattr(row, name).strip():
            return f"no {name}"
    if not config.min_seconds <= row.seconds <= config.max_seconds:
        return f"length: {row.seconds:.2f} s"
    if config.drop_pattern and (found := re.search(config.drop_pattern, row.text)):
        return f"drop_pattern: {found[0]!r} in {row.text!r}"
    rate = heard.get((row.utt_id, row.text), 0)
    return f"heard otherwise: character error rate {rate:.2f}" if rate > config.max_cer else None


def spell(rows: list[Row], config: PrepareTtsConfig, dropped: dict[str, str]) -> list[Row]:
    """The rows with their symbols, but those that have too few or too many."""
    frontend = TextFrontend(TextConfig(frontend=config.frontend))
    by_language: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_language[row.language].append(row)
    for language, group in by_language.items():
        try:
            spelt = frontend.corpus_symbols([row.text for row in group], language)
        except TextError as error:
            dropped.update((row.utt_id, f"language: {error}") for row in group)
            continue
        for row, symbols in zip(group, spelt, strict=True):
            row.symbols = symbols
            num_symbols = len(symbols) - 2
            rate = num_symbols / row.seconds
            if num_symbols < config.min_symbols:
                dropped[row.utt_id] = f"symbols: {max(num_symbols, 0)} in {row.text!r}"
            elif not config.min_symbols_per_second <= rate <= config.max_symbols_per_second:
                dropped[row.utt_id] = f"symbols per second: {rate:.1f} for {row.text!r}"
            elif len(symbols) > row.num_frames:
                dropped[row.utt_id] = f"more symbols than frames: {len(symbols)} against {row.num_frames}"
    return [row for row in rows if row.utt_id not in dropped]


def split_of(text: str, config: PrepareTtsConfig) -> str:
    """By the letters of the text alone, so that a new utterance moves no other one."""
    letters = "".join(character for character in text.casefold() if character.isalnum())
    digest = hashlib.sha256(f"{config.seed} {letters}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < config.test_share:
        return "test"
    return "valid" if share < config.test_share + config.valid_share else "train"


def known_to_train(rows: list[Row], train: list[Row], symbols: list[str], dropped: dict[str, str]) -> list[Row]:
    """Without those that no model could learn to say."""
    voices = {(row.speaker, row.language) for row in train}
    for row in rows:
        if strange := sorted(set(row.symbols) - set(symbols)):
            dropped[row.utt_id] = f"symbols that train has not: {' '.join(strange)}"
        elif (row.speaker, row.language) not in voices:
            dropped[row.utt_id] = f"speaker that train has not: {row.speaker} in {row.language}"
    return [row for row in rows if row.utt_id not in dropped]


def write_symbols(path: Path, rows: list[Row]) -> None:
    """One split, all of it or nothing."""
    columns = [pa.array([getattr(row, column.name) for row in rows], column.type) for column in _COLUMNS]
    with write_atomically(path) as file:
        pq.write_table(pa.Table.from_arrays(columns, schema=_COLUMNS), file)


def kinds(dropped: dict[str, str]) -> dict[str, int]:
    """How many were dropped for each kind of reason, most first."""
    return dict(Counter(reason.split(":")[0] for reason in dropped.values()).most_common())


def summary(by_split: dict[str, list[Row]]) -> Table:
    """Hours and utterances by speaker and language."""
    table = Table("speaker", "language", "utterances", "hours", *SPLITS[1:])
    groups: defaultdict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: {split: [] for split in SPLITS})
    for split, rows in by_split.items():
        for row in rows:
            groups[row.speaker, row.language][split].append(row)
    hours = {key: sum(row.seconds for rows in group.values() for row in rows) / 3600 for key, group in groups.items()}
    for key in sorted(hours, key=lambda key: -hours[key]):
        sizes = {split: len(groups[key][split]) for split in SPLITS}
        table.add_row(*key, str(sum(sizes.values())), f"{hours[key]:.2f}", *(str(sizes[split]) for split in SPLITS[1:]))
    table.add_section()
    totals = [str(len(by_split[split])) for split in SPLITS]
    table.add_row("all", "", str(sum(map(int, totals))), f"{sum(hours.values()):.2f}", *totals[1:])
    return table


ConfigStore.instance().store(name="base_prepare_tts", node=PrepareTtsConfig)


@hydra.main(version_base="1.3", config_path="../configs", config_name="prepare_tts")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        prepare_tts(cast(PrepareTtsConfig, OmegaConf.to_object(config)))
    except (ValueError, OSError, ModuleNotFoundError, MissingMandatoryValue) as error:
        sys.exit(f"prepare_tts: {error}")


if __name__ == "__main__":
    main()
