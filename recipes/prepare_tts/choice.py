"""Which utterances are used, in which split, and why the others are not."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from audiovq.data.text import TextConfig, TextError, TextFrontend
from audiovq.data.text.split import sentence_place
from recipes.prepare_tts.config import PrepareTtsConfig, PrepareTtsError
from recipes.prepare_tts.rows import Row


def check_names(what: str, wanted: Iterable[str], there: Iterable[str]) -> None:
    """Raises: PrepareTtsError for a name that nobody has."""
    known = set(there)
    if unknown := sorted(set(wanted) - known):
        raise PrepareTtsError(f"no {what} {', '.join(unknown)} in the tables; they have {', '.join(sorted(known))}")


def read_heard(paths: Iterable[str]) -> dict[tuple[str, str], float]:
    """Character error rates by utterance and text. Raises: PrepareTtsError for a line that says something else."""
    rates = {}
    for path in paths:
        # Not splitlines: a text may hold what that takes for the end of a line.
        for number, line in enumerate(Path(path).read_text("utf-8").split("\n"), start=1):
            if not line:
                continue
            try:
                heard = json.loads(line)
                rates[heard["id"], heard["text"]] = float(heard["cer"])
            except (ValueError, KeyError, TypeError) as error:
                raise PrepareTtsError(f"{path}:{number}: expected a line of check_text, got {line!r}") from error
    return rates


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


def split_of(row: Row, config: PrepareTtsConfig) -> str:
    """Held out are sentences."""
    place = sentence_place(row.text, config.seed)
    if place < config.test_share:
        return "test"
    return "valid" if place < config.test_share + config.valid_share else "train"


def known_to_train(rows: list[Row], train: list[Row], symbols: list[str], dropped: dict[str, str]) -> list[Row]:
    """Without those that no model could learn to say."""
    voices = {(row.speaker, row.language) for row in train}
    for row in rows:
        if strange := sorted(set(row.symbols) - set(symbols)):
            dropped[row.utt_id] = f"symbols that train has not: {' '.join(strange)}"
        elif (row.speaker, row.language) not in voices:
            dropped[row.utt_id] = f"speaker that train has not: {row.speaker} in {row.language}"
    return [row for row in rows if row.utt_id not in dropped]
