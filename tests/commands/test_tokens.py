"""The commands about token tables: what they print, write and return."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiovq.commands.arguments import UsageError
from audiovq.commands.tokens import FORMATS, add_token_parsers
from audiovq.data.kaldi import DataDir
from audiovq.pretrained import save_model
from audiovq.tokenizer import load_once
from audiovq.tokens import TokenTable, formats
from tests.models import tiny
from tests.tokens.tables import content

SOUNDS = {"a-1": "s/a/1.wav", "a-2": "s/a/2.wav", "b-1": "s/b/1.wav"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, a folder of sounds and a data directory of them."""
    monkeypatch.chdir(tmp_path)
    load_once.cache_clear()
    save_model(Path("model"), tiny.model(), "tiny", "CC0-1.0")
    random = np.random.default_rng(0)
    for path in SOUNDS.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * random.standard_normal(500), 800)
    DataDir(SOUNDS, {utt_id: utt_id[0] for utt_id in SOUNDS}).save("data")
    return tmp_path


def call(line: str) -> int:
    """As cli.main does."""
    parser = argparse.ArgumentParser()
    add_token_parsers(parser.add_subparsers())
    given = parser.parse_args(line.split())
    exit_code: int = given.command(given)
    return exit_code


def test_a_data_directory_becomes_a_table_and_goes_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s/b/1.wav").rename("gone.wav")
    assert call("tokenize data -o out --model model") == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("audiovq: b-1: ") and "s/b/1.wav" in first and last == "audiovq: tokenised 2, 1 failed"
    Path("gone.wav").rename("s/b/1.wav")
    assert call("tokenize data -o out --model model") == 0
    assert capsys.readouterr().err == "audiovq: tokenised 1, skipped 2 that are done\n"
    assert list(TokenTable("out")) == ["a-1", "a-2", "b-1"] and not Path("out/failed.jsonl").exists()


def test_a_folder_of_sounds_is_a_corpus(here: Path) -> None:
    Path("s/a/1.txt").write_text("hello  there")
    assert call("tokenize s -o out --model model") == 0
    first = TokenTable("out").entry("a-1")
    assert (first.speaker, first.text) == ("a", "hello there") and len(TokenTable("out")) == 3


def test_shards_are_merged_when_told(here: Path) -> None:
    assert call("tokenize data -o one --model model") == 0
    for shard_id in (1, 0):
        assert call(f"tokenize data -o out --model model --num-shards 2 --shard-id {shard_id}") == 0
        assert not Path("out/manifest.json").exists()
    assert call("tokenize data -o out --model model --merge") == 0
    assert content(Path("out")) == content(Path("one"))


def test_statistics_are_printed_and_plotted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("tokenize data -o out --model model") == 0
    assert call("stats out --plot pictures/out.png") == 0
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines()]
    assert ["utterances", "3"] in lines and ["speakers", "2"] in lines and ["0.5", "-", "1", "3"] in lines
    assert Path("pictures/out.png").read_bytes().startswith(b"\x89PNG")


def test_exports_come_back(here: Path) -> None:
    assert call("tokenize data -o out --model model") == 0
    assert set(FORMATS) == set(formats.FORMATS)
    assert call("export out -o exported --format kaldi") == 0
    assert call("import exported -o again") == 0
    assert content(Path("again")) == content(Path("out"))


@pytest.mark.parametrize(
    "line, message",
    [
        ("tokenize nothing -o out --model model", "nothing is not a folder"),
        ("tokenize data -o out --model model --num-shards 2", "--num-shards and --shard-id go together"),
        ("tokenize data -o out --model model --num-shards 2 --shard-id 2", "of 2 shards the last is 1"),
        ("tokenize data -o out --model model --num-shards 2 --shard-id 0 --merge", "--merge is for all shards"),
        ("tokenize data -o out --model model --merge", "3 utterances .* are still to be done"),
        ("stats s", "s is no token table"),
        ("stats s --plot a.txt", "name a file that ends in .png"),
        ("export s -o out --format npy", "s is no token table"),
        ("import s -o out", "s is no export of a token table"),
    ],
)
def test_wrong_usage(line: str, message: str, here: Path) -> None:
    with pytest.raises(UsageError, match=message):
        call(line)
    assert not Path("out").exists()


def test_a_data_directory_without_a_table_is_refused(here: Path) -> None:
    Path("data/utt2spk").unlink()
    Path("data/text").touch()
    with pytest.raises(UsageError, match=r"data/utt2spk: cannot be read: No such file(.|\n)*data/text: holds no"):
        call("tokenize data -o out --model model")


def test_a_damaged_table_is_named(here: Path) -> None:
    assert call("tokenize data -o out --model model") == 0
    with Path("out/tokens-00000.parquet").open("ab") as file:
        file.write(b"more")
    with pytest.raises(UsageError, match=r"out/tokens-00000.parquet: its SHA-256 is not that of"):
        call("stats out")


def test_a_missing_package_is_named_with_its_extra(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("tokenize data -o out --model model") == 0
    monkeypatch.setitem(sys.modules, "kaldiio", None)
    with pytest.raises(UsageError, match=r"the package kaldiio: pip install 'audiovq\[tokens\]'"):
        call("export out -o exported --format kaldi")
    assert not Path("exported").exists()
