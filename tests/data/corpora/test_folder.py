from pathlib import Path
from typing import Any

import pytest

from audiovq.data.corpora.folder import Folder
from audiovq.data.corpora.utterance import CorpusError


def make_files(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_files_folder_is_its_voice(tmp_path: Path) -> None:
    root = make_files(tmp_path, ["ann/a b.wav", "ann/001.FLAC", "bob/deep er/x.ogg", "notes.pdf", "ann/001.txt"])
    (root / "ann/001.txt").write_text("Grüße,\n  Welt\n", encoding="utf-8")
    listed = {utterance.id: utterance for utterance in Folder(root, language="de").utterances()}
    assert {key: utterance.speaker for key, utterance in listed.items()} == {
        "ann-001": "ann",
        "ann-a_b": "ann",
        "deep_er-bob-deep_er-x": "deep_er",
    }
    assert [utterance.text for utterance in listed.values()] == ["Grüße, Welt", "", ""]
    assert listed["ann-a_b"].source.path == root / "ann/a b.wav"
    assert listed["ann-a_b"].language == "de"


def test_the_voice_of_a_link_is_where_the_link_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = make_files(tmp_path, ["store/x.wav", "ann/y.wav"])
    (tmp_path / "ann/x.wav").symlink_to(elsewhere / "store/x.wav")
    monkeypatch.chdir(tmp_path / "ann")  # here the folder of a file has no name of its own
    assert {utterance.speaker for utterance in Folder(Path()).utterances()} == {"ann"}


def test_one_voice_may_be_named_for_all(tmp_path: Path) -> None:
    root = make_files(tmp_path, ["one/x.wav", "two/x.wav"])
    assert [utterance.id for utterance in Folder(root, speaker="me").utterances()] == ["me-one-x", "me-two-x"]


def test_whole_voices_are_held_out(tmp_path: Path) -> None:
    root = make_files(tmp_path, [f"voice{voice:02d}/{take}.wav" for voice in range(45) for take in range(3)])
    splits: dict[str, set[str]] = {"train": set(), "valid": set(), "test": set()}
    for utterance in Folder(root).utterances():
        splits[utterance.split].add(utterance.speaker)
    assert {split: len(voices) for split, voices in splits.items()} == {"train": 41, "valid": 2, "test": 2}
    assert sum(map(len, splits.values())) == 45


def test_two_voices_are_split_by_file(tmp_path: Path) -> None:
    root = make_files(tmp_path, [f"{voice}/{take}.wav" for voice in ("ann", "bob") for take in range(20)])
    split = [utterance.split for utterance in Folder(root).utterances()]
    assert (split.count("train"), split.count("valid"), split.count("test")) == (36, 2, 2)


def test_files_may_be_held_out_of_many_voices_and_as_many_as_one_likes(tmp_path: Path) -> None:
    root = make_files(tmp_path, [f"{voice}/{take}.wav" for voice in ("ann", "bob", "eve", "zoe") for take in range(10)])
    split = [utterance.split for utterance in Folder(root, hold_out="files", hold_out_one_in=5).utterances()]
    assert (split.count("train"), split.count("valid"), split.count("test")) == (24, 8, 8)
    voices = [utterance.split for utterance in Folder(root, hold_out_one_in=4).utterances()]
    assert (voices.count("train"), voices.count("valid"), voices.count("test")) == (20, 10, 10)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"hold_out": "file"}, "hold_out is 'file', expected one of auto, voices, files"),
        ({"hold_out_one_in": 2}, "hold_out_one_in is 2, expected at least 3"),
        ({"hold_out": "files", "test_speakers": ["ann"]}, "exclude one another"),
    ],
)
def test_what_cannot_be_held_out_is_said(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=message):
        Folder(tmp_path, **settings)


def test_named_voices_are_held_out(tmp_path: Path) -> None:
    root = make_files(tmp_path, ["ann/1.wav", "bob/1.wav", "eve/1.wav", "eve/2.wav"])
    corpus = Folder(root, valid_speakers=["bob"], test_speakers=["ann"])
    assert [utterance.split for utterance in corpus.utterances()] == ["test", "valid", "train", "train"]


@pytest.mark.parametrize(
    "names, test_speakers, message",
    [
        ([], (), "holds no sound file"),
        (["ann/notes.txt"], (), "holds no sound file"),
        (["ann/1.wav", "ann/1.flac"], (), r"1.flac and .*1.wav would both be ann-1: rename one of them"),
        (["ann/1.wav"], ("eve",), "no voice is called eve; known: ann"),
    ],
)
def test_an_unusable_folder_says_why(
    tmp_path: Path, names: list[str], test_speakers: tuple[str, ...], message: str
) -> None:
    root = make_files(tmp_path, names)
    with pytest.raises(CorpusError, match=message):
        list(Folder(root, test_speakers=list(test_speakers)).utterances())


def test_a_missing_folder_and_a_text_of_another_encoding_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere is not a folder"):
        list(Folder(tmp_path / "nowhere").utterances())
    root = make_files(tmp_path, ["ann/1.wav"])
    (root / "ann/1.txt").write_bytes("Grüße".encode("latin1"))
    with pytest.raises(CorpusError, match=r"1.txt is not UTF-8 text: .* at byte 2"):
        list(Folder(root).utterances())


def test_ids_sort_as_voices_do_also_if_one_name_begins_another(tmp_path: Path) -> None:
    root = make_files(tmp_path, ["ann/z.wav", "ann-b/a.wav", "ann b/c.wav"])
    listed = {utterance.id: utterance.speaker for utterance in Folder(root).utterances()}
    assert [listed[key] for key in sorted(listed)] == sorted(listed.values()) == ["ann", "ann_b", "ann_b"]


def test_there_is_nothing_to_download(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"put sound files into {tmp_path}"):
        Folder(tmp_path).download()
