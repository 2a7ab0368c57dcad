"""A score file goes on after a stop and refuses what is not its own."""

from pathlib import Path

import pytest

from audiovq.metrics.score_file import ScoreFile, ScoreFileError

SUBJECT = {"model": "tiny@1", "metrics": ("stoi",)}


def test_scores_come_back(tmp_path: Path) -> None:
    first = ScoreFile(tmp_path / "new" / "scores.jsonl", SUBJECT)
    first.add({"utterance": "ключ", "stoi": 0.5})
    again = ScoreFile(tmp_path / "new" / "scores.jsonl", SUBJECT)
    assert again.scores == first.scores == {"ключ": {"utterance": "ключ", "stoi": 0.5}}


def test_a_line_that_was_cut_off_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    scores = ScoreFile(path, SUBJECT)
    scores.add({"utterance": "a", "stoi": 0.5})
    scores.add({"utterance": "b", "stoi": 0.6})
    path.write_bytes(path.read_bytes()[:-9])
    again = ScoreFile(path, SUBJECT)
    assert list(again.scores) == ["a"]
    again.add({"utterance": "b", "stoi": 0.7})
    assert ScoreFile(path, SUBJECT).scores["b"]["stoi"] == 0.7


def test_a_first_line_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_bytes(b'{"subj')
    ScoreFile(path, SUBJECT).add({"utterance": "a"})
    assert list(ScoreFile(path, SUBJECT).scores) == ["a"]


def test_scores_of_another_model_or_other_metrics_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    ScoreFile(path, SUBJECT)
    with pytest.raises(ScoreFileError, match="model = tiny@1, this run has tiny@2"):
        ScoreFile(path, SUBJECT | {"model": "tiny@2"})
    with pytest.raises(ScoreFileError, match=r"metrics = \['stoi'\], this run has \['pesq_wb'\]"):
        ScoreFile(path, SUBJECT | {"metrics": ["pesq_wb"]})
    with pytest.raises(ScoreFileError, match="seed = None"):
        ScoreFile(path, SUBJECT | {"seed": 1})


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"stoi": 1}'])
def test_damage_inside_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "scores.jsonl"
    ScoreFile(path, SUBJECT).add({"utterance": "a"})
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ScoreFileError, match=r"scores\.jsonl:3 is damaged"):
        ScoreFile(path, SUBJECT)


def test_a_score_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    scores = ScoreFile(tmp_path / "scores.jsonl", SUBJECT)
    with pytest.raises(ValueError, match="not JSON compliant"):
        scores.add({"utterance": "a", "stoi": float("nan")})
    assert ScoreFile(tmp_path / "scores.jsonl", SUBJECT).scores == {}
