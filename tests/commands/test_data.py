import argparse
import os
import shlex
from pathlib import Path

import pytest

from audiovq.commands.arguments import UsageError
from audiovq.commands.data import add_data_parser
from audiovq.data.kaldi import DataDir, validate
from tests.data.kaldi.make import saved, segments, whole_files, write_wav


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_data_parser(parser.add_subparsers(required=True))
    given = parser.parse_args(["data", *map(str, words)])
    exit_code: int = given.command(given)
    return exit_code


def test_validate_names_every_problem_and_counts_the_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved(whole_files(tmp_path), tmp_path / "data")
    assert run("validate", folder, "--check-samples", "--require", "text") == 0
    assert capsys.readouterr().out == f"{folder}: valid, 3 utterances\n"
    assert run("validate", folder, "--sample-rate", 8000, "--require", "utt2uniq") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"audiovq: {folder}/utt2uniq: cannot be read: No such file or directory",
        *(
            f"audiovq: {folder}/wav.scp:{1 + n}: {key}: {path}: 16000 Hz, expected 8000"
            for n, (key, path) in enumerate(sorted(whole_files(tmp_path).wav_scp.items()))
        ),
        "audiovq: 4 problems: sample rate 3, missing table 1",
    ]
    assert run("validate", tmp_path / "nowhere", "--no-check-files") == 1


def test_a_terminal_gets_twenty_lines_of_a_kind_or_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [f"a-{number:02}" for number in range(50)]
    folder = saved(DataDir({key: f"{key}.wav" for key in ids}, dict.fromkeys(ids, "a")), tmp_path / "data")
    (folder / "text").write_text("a-00 <s>\n")
    assert run("validate", folder, "--no-check-files") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22
    assert lines[-1] == "audiovq: 50 problems: missing id 49, value 1; --all shows every one"
    assert run("validate", folder, "--no-check-files", "--all") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 51 and lines[-1] == "audiovq: 50 problems: missing id 49, value 1"


def test_fix_says_what_it_drops_and_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    assert run("fix", folder) == 0
    assert capsys.readouterr().out == f"{folder}: valid, nothing to do\n"
    table = folder / "utt2spk"
    table.write_text(table.read_text().replace("anna-0 anna", "anna-0 eve").replace("bob-1 bob\n", ""))
    assert run("fix", folder) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "dropped bob-1",
        f"{folder}: 5 utterances kept, 1 dropped; the tables before that are in {folder}/.backup",
    ]
    assert f"audiovq: {folder}/segments:5: bob-1 is not in utt2spk\n" in err
    still = err.split("audiovq: what is still wrong:\n")[1]
    assert f"{folder}/utt2spk:1: anna-0 does not start with its speaker, eve" in still
    assert run("fix", folder, "--prefix-speakers") == 0
    assert validate(folder) == []


def test_split_and_combine_give_the_whole_again(tmp_path: Path) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    assert run("split", folder, 2, "-o", tmp_path / "parts", "--per-speaker") == 0
    parts = sorted((tmp_path / "parts").iterdir())
    assert [list(DataDir.load(part).spk2utt) for part in parts] == [["anna"], ["bob"]]
    assert run("combine", *parts, "-o", tmp_path / "whole") == 0
    assert DataDir.load(tmp_path / "whole") == DataDir.load(folder)


@pytest.mark.parametrize(
    "how, ids",
    [
        (["--first", 2], ["anna-0", "anna-1"]),
        (["--per-speaker", 1], ["anna-0", "bob-0"]),
        (["--utt-list", "utts"], ["anna-1", "bob-2"]),
        (["--spk-list", "spks"], ["bob-0", "bob-1", "bob-2"]),
    ],
)
def test_a_subset_has_the_utterances_asked_for(how: list[object], ids: list[str], tmp_path: Path) -> None:
    (tmp_path / "utts").write_text("bob-2 bob\n\nanna-1\n")
    (tmp_path / "spks").write_text("bob\n")
    folder = saved(segments(tmp_path), tmp_path / "data")
    if isinstance(how[1], str):
        how[1] = tmp_path / how[1]
    assert run("subset", folder, "-o", tmp_path / "out", *how) == 0
    assert DataDir.load(tmp_path / "out").ids == ids


def test_a_draw_has_its_size_and_a_list_with_unknown_names_fails_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    assert run("subset", folder, "-o", tmp_path / "drawn", "--random", 3, "--seed", 7) == 0
    assert len(DataDir.load(tmp_path / "drawn").ids) == 3
    (tmp_path / "utts").write_text("bob-2\nbob-9\n")
    capsys.readouterr()
    assert run("subset", folder, "-o", tmp_path / "listed", "--utt-list", tmp_path / "utts") == 1
    assert capsys.readouterr().err == f"audiovq: {tmp_path}/utts: bob-9 is not in the data directory\n"
    assert DataDir.load(tmp_path / "listed").ids == ["bob-2"]
    assert run("subset", folder, "-o", tmp_path / "many", "--first", 7) == 1
    assert not (tmp_path / "many").exists()


def test_manifests_go_out_and_come_in(tmp_path: Path) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    assert run("export", folder, "-o", tmp_path / "manifests") == 0
    assert run("import", tmp_path / "manifests/cuts.jsonl.gz", "-o", tmp_path / "back") == 0
    assert DataDir.load(tmp_path / "back") == DataDir.load(folder)


def test_a_folder_of_sound_files_becomes_a_valid_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("eve", "bob"):
        (tmp_path / "sounds" / name).mkdir(parents=True)
    write_wav(tmp_path / "sounds/eve/1.wav")
    write_wav(tmp_path / "sounds/bob/2.flac", num_samples=4000)
    (tmp_path / "sounds/bob/2.txt").write_text("two words\n")
    (tmp_path / "sounds/bob/3.wav").write_text("no sound")
    monkeypatch.chdir(tmp_path)
    assert run("from-folder", "sounds", "-o", "data", "--language", "en") == 1
    assert "audiovq: bob-3: " in capsys.readouterr().err
    monkeypatch.chdir(os.sep)
    data = DataDir.load(tmp_path / "data")
    assert data.utt2spk == {"bob-2": "bob", "eve-1": "eve"} and data.text == {"bob-2": "two words", "eve-1": ""}
    assert data.utt2dur == {"bob-2": 0.25, "eve-1": 0.5} and data.utt2lang == {"bob-2": "en", "eve-1": "en"}
    assert validate(tmp_path / "data") == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    before = (folder / "text").read_bytes()
    for words in (["subset", folder, "--first", 1], ["split", folder, 2], ["combine", folder], ["export", folder]):
        with pytest.raises(UsageError, match="is there and not empty: name a new folder"):
            run(*words, "-o", folder)
    with pytest.raises(UsageError, match="--seed is for --random"):
        run("subset", folder, "--first", 1, "--seed", 1, "-o", tmp_path / "out")
    assert (folder / "text").read_bytes() == before


def test_a_directory_is_not_combined_with_itself(tmp_path: Path) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    with pytest.raises(UsageError, match="a directory is named twice"):
        run("combine", folder, tmp_path / "nowhere/../data", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_that_there_is_not_is_not_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    with pytest.raises(SystemExit):
        run("validate", folder, "--require", "txt")
    assert "invalid choice: 'txt'" in capsys.readouterr().err


def test_a_broken_directory_is_one_line_a_problem_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(segments(tmp_path), tmp_path / "data")
    (folder / "text").write_bytes(b"a \xff\nb\n\nc d")
    for words in (["subset", folder, "--first", 1], ["split", folder, 2], ["combine", folder], ["export", folder]):
        assert run(*words, "-o", tmp_path / "out") == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 3 and all(line.startswith(f"audiovq: {folder}/text:") for line in lines)
    assert run("import", folder / "text", "-o", tmp_path / "out") == 1
    assert run("from-folder", tmp_path / "nowhere", "-o", tmp_path / "out") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["validate", "fix", "split", "subset", "combine", "import", "export", "from-folder"])
def test_help_shows_examples_that_are_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_data_parser(parser.add_subparsers(required=True))
    with pytest.raises(SystemExit):
        parser.parse_args(["data", name, "--help"])
    _, _, examples = capsys.readouterr().out.partition("examples:\n")
    assert examples
    for line in examples.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert program == "audiovq" and parser.parse_args(words).command
