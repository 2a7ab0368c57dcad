import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audiovq.data.kaldi import DataDir, DataDirError
from recipes import check_text
from recipes.check_text import CheckTextConfig

pytest.importorskip("jiwer")

TEXTS = {"ann-1": "One two three.", "ann-2": "Four five six.", "ann-3": "", "ann-4": "...", "bob-1": "Seven eight."}


class Listener:
    """Hears what is asked for in ann-1, something else in all others."""

    heard: list[int] = []  # noqa: RUF012

    def __init__(self, model: str, device: str, num_threads: int) -> None: ...

    def transcribe(self, wave: torch.Tensor, sample_rate: int, language: str) -> str:
        assert (sample_rate, language, wave.ndim) == (16000, "pt", 1)
        Listener.heard.append(len(wave))
        return "one too three" if len(wave) == 1000 else "nothing of the kind"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check_text, "Recogniser", Listener)
    Listener.heard = []
    wav_scp = {}
    for number, key in enumerate(TEXTS, start=1):
        wav_scp[key] = str(tmp_path / f"{key}.wav")
        soundfile.write(wav_scp[key], np.zeros(1000 * number), 16000)
    speakers = {key: key[:3] for key in TEXTS}
    DataDir(wav_scp, speakers, text=dict(TEXTS), utt2lang=dict.fromkeys(TEXTS, "pt_BR")).save(tmp_path / "data")
    return tmp_path / "data"


def test_only_contradicted_texts_are_emptied(folder: Path) -> None:
    check_text.check_text(CheckTextConfig(data=str(folder), speakers=["ann"]))
    assert DataDir.load(folder).text == TEXTS | {"ann-2": ""}
    lines = [json.loads(line) for line in (folder.parent / "data_heard.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["ann-1", "ann-2"]
    assert lines[0] == {"id": "ann-1", "text": "One two three.", "heard": "one too three", "cer": 1 / 13}


def test_what_was_heard_is_not_heard_again(folder: Path) -> None:
    check_text.check_text(CheckTextConfig(data=str(folder), speakers=["ann"]))
    with (folder.parent / "data_heard.jsonl").open("a") as file:
        file.write('{"id": "bob-1", "te')  # a run that was stopped in the middle of a line
    check_text.check_text(CheckTextConfig(data=str(folder)))
    assert Listener.heard == [1000, 2000, 5000]
    assert DataDir.load(folder).text == TEXTS | {"ann-2": "", "bob-1": ""}


def test_an_unknown_speaker_is_an_error(folder: Path) -> None:
    with pytest.raises(DataDirError, match="has no speaker eve; it has ann, bob"):
        check_text.check_text(CheckTextConfig(data=str(folder), speakers=["eve"]))
