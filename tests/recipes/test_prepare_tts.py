import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from audiovq.data.text import TextConfig, TextFrontend
from audiovq.data.text.split import sentence_place
from audiovq.tokens import Entry, Layout
from audiovq.tokens.writer import arrow_tables, write_table
from recipes.prepare_tts.__main__ import prepare_tts
from recipes.prepare_tts.config import PrepareTtsConfig, PrepareTtsError

ROOT = Path(__file__).parents[2]
LAYOUT = Layout("tiny@0123", 800, (64, 32), (16, 2048), (1, 2))
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
SENTENCES = [f"{first} {second}." for first in WORDS for second in WORDS]


def entry(
    utt_id: str, text: str | None, speaker: str | None = "ann", language: str = "en", seconds: float = 1
) -> Entry:
    num_samples = round(seconds * 800)
    frames = -(-num_samples // 64)
    levels = (np.zeros(frames, LAYOUT.dtypes[0]), np.zeros(frames * 2 * 2, LAYOUT.dtypes[1]))
    return Entry(utt_id, num_samples, 1, 0, levels, speaker, text, language)


def table(folder: Path, entries: list[Entry], layout: Layout = LAYOUT) -> str:
    write_table(folder, layout, arrow_tables(iter(sorted(entries, key=lambda item: item.utt_id.encode())), layout))
    return str(folder)


@pytest.fixture
def config(tmp_path: Path) -> PrepareTtsConfig:
    ann = [entry(f"ann-{number:03}", text) for number, text in enumerate(SENTENCES)]
    bob = [entry(f"bob-{number:03}", text.upper(), "bob") for number, text in enumerate(SENTENCES[:40])]
    return PrepareTtsConfig(
        tables=[table(tmp_path / "a", ann), table(tmp_path / "b", bob)],
        output_dir=str(tmp_path / "out"),
        frontend="characters",
        valid_share=0.1,
        test_share=0.2,
    )


def rows(config: PrepareTtsConfig, split: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = pq.read_table(Path(config.output_dir) / f"symbols_{split}.parquet").to_pylist()
    return content


def dropped(config: PrepareTtsConfig) -> dict[str, str]:
    lines = (Path(config.output_dir) / "dropped.jsonl").read_text().splitlines()
    return {line["utt_id"]: line["reason"] for line in map(json.loads, lines)}


def test_everything_is_in_one_split_or_named_as_dropped(config: PrepareTtsConfig) -> None:
    prepare_tts(config)
    splits = {split: rows(config, split) for split in ("train", "valid", "test")}
    ids = [row["utt_id"] for content in splits.values() for row in content]
    assert len(ids) == len(set(ids)) == 140 and dropped(config) == {}
    texts = [{row["text"].casefold() for row in content} for content in splits.values()]
    assert sum(map(len, texts)) == len(set.union(*texts)) == 100
    assert 5 <= len(texts[1]) <= 16 and 12 <= len(texts[2]) <= 30
    first = splits["train"][0]
    assert first | {"symbols": "".join(first["symbols"])} == {
        "utt_id": first["utt_id"],
        "speaker": "ann",
        "language": "en",
        "text": first["text"],
        "symbols": f"_{first['text']}_",
        "num_frames": 26,
    }


def test_the_config_of_the_text_reads_all_splits(config: PrepareTtsConfig) -> None:
    prepare_tts(config)
    text = TextConfig(**json.loads((Path(config.output_dir) / "text.json").read_text()))
    assert asdict(text) == {"frontend": "characters", "symbols": list("_ .efghinorstuvwx"), "languages": ["en"]}
    for row in rows(config, "test"):
        assert TextFrontend(text).missing(row["symbols"]) == []


def test_again_gives_the_same_bytes_and_more_data_move_nothing(config: PrepareTtsConfig, tmp_path: Path) -> None:
    prepare_tts(config)
    before = {path.name: path.read_bytes() for path in Path(config.output_dir).iterdir()}
    prepare_tts(config)
    assert {path.name: path.read_bytes() for path in Path(config.output_dir).iterdir()} == before
    test = {row["utt_id"] for row in rows(config, "test")}
    config.tables.append(table(tmp_path / "c", [entry("cal-1", "Eleven!", "cal"), entry("cal-2", SENTENCES[0], "cal")]))
    prepare_tts(config)
    assert test == {row["utt_id"] for row in rows(config, "test") if row["speaker"] != "cal"}


def test_each_reason_to_drop_is_named(config: PrepareTtsConfig, tmp_path: Path) -> None:
    told = next(text for text in map(str, range(99)) if sentence_place(f"Ünique {text}") < config.test_share)
    more = [
        entry("x-bracket", "one (loud)"),
        entry("x-fast", "one two three four", seconds=0.5),
        entry("x-heard", "one two six"),
        entry("x-heard-long-ago", "one three six"),
        entry("x-language", "eins", language="de"),
        entry("x-long", "one two", seconds=21),
        entry("x-no-speaker", "one two", None),
        entry("x-no-text", None),
        entry("x-short", "one two", seconds=0.2),
        entry("x-slow", "one", seconds=9),
        entry("x-symbols", "!!!"),
        entry("x-unknown", f"Ünique {told}"),
    ]
    heard = tmp_path / "heard.jsonl"
    lines = [{"id": "x-heard", "text": "one two six", "cer": 0.7}, {"id": "ann-000", "text": "one one.", "cer": 0.4}]
    lines.append({"id": "x-heard-long-ago", "text": "what was the text then", "cer": 3})
    heard.write_text("".join(json.dumps({"heard": "", **line}) + "\n" for line in lines))
    config.tables.append(table(tmp_path / "x", more))
    config.languages, config.check, config.drop_pattern = ["en"], [str(heard)], r"\("
    prepare_tts(config)
    assert dropped(config) == {
        "x-bracket": "drop_pattern: '(' in 'one (loud)'",
        "x-fast": "symbols per second: 36.0 for 'one two three four'",
        "x-heard": "heard otherwise: character error rate 0.70",
        "x-language": "language not chosen",
        "x-long": "length: 21.00 s",
        "x-no-speaker": "no speaker",
        "x-no-text": "no text",
        "x-short": "length: 0.20 s",
        "x-slow": "symbols per second: 0.3 for 'one'",
        "x-symbols": "symbols: 0 in '!!!'",
        "x-unknown": "symbols that train has not: " + " ".join(sorted({*f"ü q {told}".replace(" ", "")} - {"e"})),
    }


def test_a_language_without_phonemes_is_dropped(config: PrepareTtsConfig, tmp_path: Path) -> None:
    config.tables.append(table(tmp_path / "n", [entry("nds-1", "een twee", "nat", language="nds")]))
    config.frontend = "phonemes"
    prepare_tts(config)
    assert dropped(config)["nds-1"].startswith("language: espeak-ng has no voice for the language 'nds'")
    assert "\N{MODIFIER LETTER VERTICAL LINE}" in rows(config, "train")[0]["symbols"]


@pytest.mark.parametrize(
    "values, message",
    [
        ({"speakers": ["eve"]}, "no speaker eve in the tables; they have ann, bob"),
        ({"languages": ["fr"]}, "no language fr in the tables; they have en"),
        ({"test_share": 0.0}, "test would be empty: 140 utterances, dropped for {}"),
        ({"min_seconds": 9.0}, "train would be empty: 140 utterances, dropped for {'length': 140}"),
        ({"tables": []}, r"no utterance in tables=\[\]"),
    ],
)
def test_settings_that_fit_no_data(config: PrepareTtsConfig, values: dict[str, Any], message: str) -> None:
    for name, value in values.items():
        setattr(config, name, value)
    with pytest.raises(PrepareTtsError, match=message):
        prepare_tts(config)
    assert not Path(config.output_dir).exists()


def test_settings_that_cannot_be_meant(config: PrepareTtsConfig, tmp_path: Path) -> None:
    with pytest.raises(PrepareTtsError, match=r"drop_pattern='\(' is no regular expression"):
        PrepareTtsConfig(drop_pattern="(")
    with pytest.raises(PrepareTtsError, match=r"valid_share=0\.6 and test_share=0\.5, expected less than 1"):
        PrepareTtsConfig(valid_share=0.6, test_share=0.5)
    (tmp_path / "heard.jsonl").write_text('{"id": "a", "text": "b", "cer": 0}\n{"id": "a"')
    config.check = [str(tmp_path / "heard.jsonl")]
    with pytest.raises(PrepareTtsError, match=r"heard\.jsonl:2: expected a line of check_text"):
        prepare_tts(config)


def test_a_voice_is_trained_on_before_it_is_tested(config: PrepareTtsConfig, tmp_path: Path) -> None:
    held_out = next(text for text in SENTENCES if sentence_place(text) < config.test_share)
    config.tables.append(table(tmp_path / "c", [entry("cal-1", held_out, "cal")]))
    prepare_tts(config)
    assert dropped(config) == {"cal-1": "speaker that train has not: cal in en"}


def test_tables_that_do_not_fit_together(config: PrepareTtsConfig, tmp_path: Path) -> None:
    same = config.tables[0]
    config.tables = [same, table(tmp_path / "other", [], Layout("big@9", 800, (64, 32), (16, 2048), (1, 2)))]
    with pytest.raises(PrepareTtsError, match=r"other has codes of big@9, .*a of tiny@0123"):
        prepare_tts(config)
    config.tables = [same, same]
    with pytest.raises(PrepareTtsError, match="a: ann-000 is there a second time"):
        prepare_tts(config)


def test_the_experiment_composes() -> None:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        found = compose("prepare_tts", ["experiment=debian_speech_tts1_data"])
    settings = OmegaConf.to_object(found)
    assert isinstance(settings, PrepareTtsConfig) and "ru_festvox_nsh" in settings.speakers
