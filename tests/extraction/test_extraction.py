"""One table, to the last byte, whatever the shards, the processes, the batches and the kills."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import audiovq
from audiovq.data.kaldi import DataDir, Sound
from audiovq.data.kaldi.usable import load_usable, row_places
from audiovq.extraction import Extraction, Model, Shard, encoding, pool
from audiovq.pretrained import save_model
from audiovq.tokens import TokenTable, TokenTableError
from audiovq.tokens.silence import silent_ms
from tests.models import tiny
from tests.tokens.tables import content
from tests.train.processes import start

NUM_UTTERANCES = 23
ALL = Shard()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, tiny.model(), "tiny", "CC0-1.0")
    return Model(str(folder))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    folder = tmp_path_factory.mktemp("sounds")
    noise = np.random.default_rng(0)
    wav_scp = {}
    for i in range(NUM_UTTERANCES):
        path = folder / f"{i}.wav"
        soundfile.write(path, 0.1 * noise.standard_normal((100 + 97 * i, 1 + i % 2)), 800)
        wav_scp[f"s{i % 3}-{i}"] = str(path)
    return DataDir(wav_scp, {utt_id: utt_id[:2] for utt_id in wav_scp}, text=dict.fromkeys(wav_scp, "words"))


@pytest.fixture(scope="module")
def expected(data: DataDir, model: Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Of one call that nothing disturbs."""
    out = tmp_path_factory.mktemp("expected")
    extract(data, out, model)
    return content(out)


def extract(
    data: DataDir, out: Path, model: Model, shard: Shard = ALL, jobs: int = 1, batch: int = 4, part: int = 256
) -> int:
    """Do a shard; all of it, and the table, without one. Returns how many failed."""
    extraction = Extraction(data, out, model, shard)
    results = [result for _, result in extraction.run(extraction.todo, jobs, batch, part)]
    return extraction.merge() if shard == ALL else sum(isinstance(result, str) for result in results)


def test_the_table_holds_what_the_tokenizer_says(
    data: DataDir, model: Model, expected: dict[str, bytes], tmp_path: Path
) -> None:
    extract(data, tmp_path, model)
    assert content(tmp_path) == expected and sorted(expected) == ["manifest.json", "tokens-00000.parquet"]
    tokenizer, table = audiovq.load(model.name), TokenTable(tmp_path)
    assert list(table) == sorted(data.wav_scp) and table.layout.model == tokenizer.model_id
    for utt_id, path in data.wav_scp.items():
        assert table[utt_id] == tokenizer.encode(path)
    assert tokenizer.decode(table["s0-0"]).shape == (1, 100)
    entry = table.entry("s1-4")
    assert (entry.speaker, entry.text, entry.language) == ("s1", "words", None)


@pytest.mark.parametrize("num_shards, jobs, batch, part", [(1, 2, 1, 256), (3, 1, 8, 2), (7, 1, 64, 1)])
def test_shards_processes_and_batches_leave_no_trace(
    num_shards: int,
    jobs: int,
    batch: int,
    part: int,
    data: DataDir,
    model: Model,
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    for shard_id in reversed(range(num_shards)):
        extract(data, tmp_path, model, Shard(shard_id, num_shards), jobs, batch, part)
    Extraction(data, tmp_path, model, ALL).merge()
    assert content(tmp_path) == expected


def test_twenty_kills_leave_no_trace(data: DataDir, model: Model, expected: dict[str, bytes], tmp_path: Path) -> None:
    process = start(kill_again_and_again, data, tmp_path, model)
    process.join()
    assert process.exitcode == 0
    finished = sorted(tmp_path.iterdir())
    assert finished and all(content(out) == expected for out in finished)


def kill_again_and_again(data: DataDir, folder: Path, model: Model) -> None:
    """Make tables, in processes that are killed twenty times."""
    model.load()  # for all that are forked from here
    moments = random.Random(0)
    num_kills = num_tables = 0
    while num_kills < 20:
        is_done = False
        while not is_done:
            moment, child = moments.randint(1, 200), os.fork()
            if child == 0:
                extract_until_killed(data, folder / str(num_tables), model, moment)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            is_done = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
            assert is_done or os.WIFSIGNALED(status)
            num_kills += not is_done
        num_tables += 1


def extract_until_killed(data: DataDir, out: Path, model: Model, moment: int) -> None:
    """With a part for each utterance; at some call to the file system that is about its folder the process dies."""
    countdown = moment

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal countdown
        of_files = event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir")
        if of_files and str(arguments[0]).startswith(str(out)):
            countdown -= 1
            if countdown == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    extract(data, out, model, part=1)


def test_a_merge_that_was_killed_anywhere_is_made_good(
    data: DataDir, model: Model, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at every rename and every removal, once each, in a merge that adds to a table."""
    few = data.select(sorted(data.wav_scp)[::2])
    calls = 0

    def stop_at(number: int) -> None:
        nonlocal calls
        calls = 0
        for name in ("replace", "unlink"):
            original = getattr(os, name)

            def counted(*args: object, original: object = original, **kwargs: object) -> object:
                nonlocal calls
                calls += 1
                if calls == number:
                    raise KeyboardInterrupt
                return original(*args, **kwargs)  # type: ignore[operator]

            monkeypatch.setattr(os, name, counted)

    number = 0
    while True:
        number += 1
        out = tmp_path / str(number)
        extract(few, out, model)
        half = Extraction(data, out, model, ALL)
        list(half.run(half.todo, 1, 4))
        stop_at(number)
        try:
            half.merge()
            break
        except KeyboardInterrupt:
            pass
        finally:
            monkeypatch.undo()
        extract(data, out, model)
        assert content(out) == expected, number
    assert content(out) == expected and number > 4


def test_what_is_done_is_not_done_again(data: DataDir, model: Model, tmp_path: Path) -> None:
    extract(data, tmp_path, model, Shard(0, 2))
    again = Extraction(data, tmp_path, model, Shard(0, 2))
    assert (again.num_done, again.todo) == (12, [])
    rest = Extraction(data, tmp_path, model, ALL)
    assert (rest.num_done, len(rest.todo)) == (12, 11)
    extract(data, tmp_path, model)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    extract(data, tmp_path, model)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_an_interrupted_call_keeps_what_it_did(data: DataDir, model: Model, tmp_path: Path) -> None:
    extraction = Extraction(data, tmp_path, model, ALL)
    outcomes = extraction.run(extraction.todo, 1, 4)
    for _ in range(5):
        next(outcomes)
    outcomes.close()
    assert Extraction(data, tmp_path, model, ALL).num_done == 5


def test_failures_are_listed_and_tried_again(
    data: DataDir, model: Model, expected: dict[str, bytes], tmp_path: Path
) -> None:
    broken = dict(data.wav_scp)
    broken["s0-0"], broken["s1-1"] = str(tmp_path / "missing.wav"), str(tmp_path / "cut.wav")
    (tmp_path / "cut.wav").write_bytes(Path(data.wav_scp["s1-1"]).read_bytes()[:-1])
    wrong = DataDir(broken, data.utt2spk, data.text)
    out = tmp_path / "out"
    assert extract(wrong, out, model) == 2
    lines = [json.loads(line) for line in (out / "failed.jsonl").read_text().splitlines()]
    assert [line["utt_id"] for line in lines] == ["s0-0", "s1-1"]
    assert lines[0]["source"] == broken["s0-0"] and "missing.wav: No such file" in lines[0]["error"]
    assert "cut.wav is truncated" in lines[1]["error"]
    assert len(TokenTable(out)) == NUM_UTTERANCES - 2
    table_and_failures = content(out)
    assert extract(wrong, out, model) == 2 and content(out) == table_and_failures
    assert extract(data, out, model) == 0 and content(out) == expected


def test_failures_name_the_rows_that_name_the_sounds(data: DataDir, model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    DataDir(data.wav_scp | {"s1-1": "/nowhere"}, data.utt2spk, data.text).save(folder)
    loaded, _ = load_usable(folder)
    extraction = Extraction(loaded, tmp_path / "out", model, ALL, folder=folder)
    list(extraction.run(extraction.todo, 1, 4))
    assert extraction.merge() == 1
    number = 1 + (folder / "wav.scp").read_text().splitlines().index("s1-1 /nowhere")
    assert json.loads((tmp_path / "out/failed.jsonl").read_text())["where"] == f"{folder}/wav.scp:{number}"
    (folder / "segments").write_text("s0-0 r 0 1\n\ns1-1 r 1 2\n")
    assert row_places(folder, {"s1-1", "s9"}) == {"s1-1": f"{folder}/segments:3"}
    assert row_places(tmp_path / "out", {"s1-1"}) == {}


def test_failures_of_shards_come_together(data: DataDir, model: Model, tmp_path: Path) -> None:
    wrong = DataDir(data.wav_scp | {"s0-0": "/nowhere", "s0-12": "/nowhere"}, data.utt2spk, data.text)
    assert [extract(wrong, tmp_path, model, Shard(i, 2)) for i in range(2)] == [1, 1]
    assert Extraction(wrong, tmp_path, model, ALL).merge() == 2
    assert [json.loads(line)["utt_id"] for line in (tmp_path / "failed.jsonl").read_text().splitlines()] == [
        "s0-0",
        "s0-12",
    ]


def test_a_merge_before_all_shards_are_through_is_refused(data: DataDir, model: Model, tmp_path: Path) -> None:
    extract(data, tmp_path, model, Shard(1, 3))
    with pytest.raises(TokenTableError, match=r"15 utterances \(s0-0, .*\) are still to be done"):
        Extraction(data, tmp_path, model, ALL).merge()
    assert Extraction(data, tmp_path, model, ALL).num_done == 8


def test_a_damaged_part_is_done_again(data: DataDir, model: Model, expected: dict[str, bytes], tmp_path: Path) -> None:
    extract(data, tmp_path, model, Shard(0, 2))
    (part,) = tmp_path.glob("parts/*.parquet")
    part.write_bytes(part.read_bytes()[:-9])
    extract(data, tmp_path, model)
    assert content(tmp_path) == expected


def test_another_model_and_other_data_are_refused(
    data: DataDir, model: Model, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    save_model(other, tiny.model(kind="fsq"), "tiny", "CC0-1.0")
    for is_merged in (False, True):
        out = tmp_path / str(is_merged)
        extract(data, out, model, ALL if is_merged else Shard(0, 2))
        before = content(out)
        with pytest.raises(TokenTableError, match="codes of tiny@"):
            Extraction(data, out, Model(str(other)), ALL)
        with pytest.raises(TokenTableError, match=r"not in these data: name another folder"):
            Extraction(data.select(["s1-1"]), out, model, ALL)
        assert content(out) == before


def test_a_sound_that_kills_its_process_costs_no_other(
    data: DataDir, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "START_METHOD", "forkserver")  # begins sooner
    deadly = DataDir(data.wav_scp | {"s0-12": 'kill -9 "$PPID" |'}, data.utt2spk, data.text)
    assert extract(deadly, tmp_path, model, jobs=2) == 1
    (line,) = (tmp_path / "failed.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "utt_id": "s0-12",
        "source": 'kill -9 "$PPID" |',
        "error": "s0-12: the process that worked on it died",
        "where": "",
    }
    assert len(TokenTable(tmp_path)) == NUM_UTTERANCES - 1


def test_a_large_file_is_read_piece_by_piece(
    data: DataDir, model: Model, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "LARGE_BYTES", 1000)
    monkeypatch.setattr(Sound, "read", read_small)
    extract(data, tmp_path, model)
    assert content(tmp_path) == expected


def read_small(sound: Sound, read: object = Sound.read) -> object:
    assert Path(sound.source).stat().st_size < 1000
    return read(sound)  # type: ignore[operator]


def test_silence_is_what_lies_below_50_decibels() -> None:
    import torch

    loud, quiet = 10 ** (-49 / 20), 10 ** (-51 / 20)
    wave = torch.cat([torch.full((2, 1600), loud), torch.full((2, 900), quiet)], dim=1)
    assert silent_ms(wave, 8000) == 120  # the last frame is not full
    wave[1] = loud
    assert silent_ms(wave, 8000) == 0
