"""Many utterances on several processes, some of which are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from audiovq.audio import io
from audiovq.metrics import scoring
from audiovq.metrics.folders import score_folders
from audiovq.metrics.pair_scorer import PairScorer, Work
from audiovq.metrics.score_file import Scores
from audiovq.metrics.scoring import score_all
from recipes.benchmark.speed import speech_like


def begin(dying: str = "", refusing: str = "") -> Callable[[str], Scores]:
    if dying == "begin":
        os.kill(os.getpid(), signal.SIGKILL)
    if refusing == "begin":
        raise ValueError("there are no weights")

    def score(utterance: str) -> Scores:
        if utterance == dying:
            os.kill(os.getpid(), signal.SIGKILL)
        if utterance == refusing:
            raise ValueError("there is no sound")
        return {"utterance": utterance}

    return score


NAMES = [f"u{number}" for number in range(7)]


def test_of_a_killed_process_the_utterance_is_told_and_the_others_are_scored() -> None:
    scores = list(
        score_all(partial(begin, "u1"), NAMES, 2, lambda utterance, why: {"utterance": utterance, "why": why})
    )
    assert sorted(each["utterance"] for each in scores) == sorted(NAMES)
    (killed,) = (each for each in scores if "why" in each)
    assert killed["utterance"] == "u1"
    assert killed["why"].startswith("the process that scored it was killed")


def test_without_an_answer_to_it_a_killed_process_is_an_error_that_names_the_utterance() -> None:
    with pytest.raises(ChildProcessError, match=r"u1: the process that scored it was killed.* same command goes on"):
        list(score_all(partial(begin, "u1"), NAMES[1:3], 2))


def test_errors_are_those_of_the_scorer() -> None:
    with pytest.raises(ValueError, match="there is no sound"):
        list(score_all(partial(begin, refusing="u1"), NAMES[:2], 2))
    with pytest.raises(ValueError, match="there are no weights"):
        list(score_all(partial(begin, refusing="begin"), NAMES[:1], 2))
    with pytest.raises(ChildProcessError, match="killed before it could score anything"):
        list(score_all(partial(begin, "begin"), NAMES[:1], 2))


class Deadly(PairScorer):
    def __call__(self, work: Work) -> Scores:
        if work.pair.name == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(work)


def test_folders_list_what_killed_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        for folder in ("ref", "gen"):
            Path(folder).mkdir(exist_ok=True)
            io.write(f"{folder}/{name}.wav", speech_like(0.2, 16_000), 16_000)
    monkeypatch.setattr("audiovq.metrics.folders.PairScorer", Deadly)
    summary = score_folders("ref", "gen", "out", ["si_sdr"], num_workers=2)
    assert summary["metrics"]["si_sdr"]["n"] == 2
    assert [each["utterance"] for each in summary["failures"]] == ["b"]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    again = score_folders("ref", "gen", "out", ["si_sdr"], num_workers=2)
    assert again["metrics"]["si_sdr"]["n"] == 3 and not again["failures"]
    assert scoring._score is None  # of this process
