"""Choose the utterances of token tables for text to speech, and spell their texts as symbols.

    python -m recipes.prepare_tts experiment=debian_speech_tts1_data
    python -m recipes.prepare_tts 'tables=[tokens/train]' output_dir=data/tts 'speakers=[ann,bob]' frontend=characters

Writes symbols_train.parquet, symbols_valid.parquet and symbols_test.parquet, text.json with the inventory of symbols,
and dropped.jsonl with whatever was left out and why. The same sentence, whoever says it, is in one of the three only.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import cast

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, MissingMandatoryValue, OmegaConf
from rich.console import Console
from rich.table import Table

from audiovq.data.text import TextConfig, inventory
from audiovq.system.files import write_atomically
from recipes.prepare_tts.choice import check_names, known_to_train, read_heard, reason_to_drop, spell, split_of
from recipes.prepare_tts.config import SPLITS, PrepareTtsConfig, PrepareTtsError
from recipes.prepare_tts.rows import Row, read_rows, write_symbols


def prepare_tts(config: PrepareTtsConfig) -> None:
    """Choose, spell, split and write.

    Raises: ValueError (PrepareTtsError, TokenTableError, TextError) if settings or data are to blame.
    """
    folder = Path(config.output_dir)
    rows, layout = read_rows([Path(table) for table in config.tables])
    check_names("speaker", config.speakers, (row.speaker for row in rows))
    check_names("language", config.languages, (row.language for row in rows))
    heard = read_heard(config.check)
    dropped = {row.utt_id: reason for row in rows if (reason := reason_to_drop(row, config, heard))}
    by_split: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row in spell([row for row in rows if row.utt_id not in dropped], config, dropped):
        by_split[split_of(row, config)].append(row)
    symbols = inventory(row.symbols for row in by_split["train"])
    for split in SPLITS[1:]:
        by_split[split] = known_to_train(by_split[split], by_split["train"], symbols, dropped)
    for split in SPLITS:
        if not by_split[split]:
            raise PrepareTtsError(f"{split} would be empty: {len(rows)} utterances, dropped for {kinds(dropped)}")
    languages = sorted({row.language for row in by_split["train"]})
    text = TextConfig(frontend=config.frontend, symbols=symbols, languages=languages)
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        write_symbols(folder / f"symbols_{split}.parquet", by_split[split])
    write_json_lines(
        folder / "dropped.jsonl", [{"utt_id": key, "reason": reason} for key, reason in sorted(dropped.items())]
    )
    write_json_lines(folder / "text.json", [asdict(text)])
    Console().print(summary(by_split))
    print(f"{len(symbols)} symbols of {layout.model}'s {len(rows)} utterances: {folder}/text.json")
    print(f"{len(dropped)} dropped, each named in {folder}/dropped.jsonl: {kinds(dropped)}")


def write_json_lines(path: Path, items: Iterable[dict[str, object]]) -> None:
    """One object a line."""
    with write_atomically(path) as file:
        file.writelines((json.dumps(item, ensure_ascii=False) + "\n").encode() for item in items)


def kinds(dropped: dict[str, str]) -> dict[str, int]:
    """How many were dropped for each kind of reason, most first."""
    return dict(Counter(reason.split(":")[0] for reason in dropped.values()).most_common())


def summary(by_split: dict[str, list[Row]]) -> Table:
    """Hours and utterances by speaker and language."""
    groups: defaultdict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for split, rows in by_split.items():
        for row in rows:
            groups[row.speaker, row.language].append((split, row.seconds))
            groups["all", ""].append((split, row.seconds))
    table = Table("speaker", "language", "hours", *SPLITS)
    hours = {key: sum(seconds for _, seconds in group) / 3600 for key, group in groups.items()}
    for key in sorted(hours, key=lambda key: (key == ("all", ""), -hours[key])):
        sizes = Counter(split for split, _ in groups[key])
        table.add_row(*key, f"{hours[key]:.2f}", *(str(sizes[split]) for split in SPLITS))
    return table


ConfigStore.instance().store(name="base_prepare_tts", node=PrepareTtsConfig)


@hydra.main(version_base="1.3", config_path="../../configs", config_name="prepare_tts")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        prepare_tts(cast(PrepareTtsConfig, OmegaConf.to_object(config)))
    except (ValueError, OSError, ModuleNotFoundError, MissingMandatoryValue) as error:
        sys.exit(f"prepare_tts: {error}")


if __name__ == "__main__":
    main()
