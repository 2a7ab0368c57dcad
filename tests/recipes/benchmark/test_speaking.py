"""The commands that speak, `priors` and `speech`, on a tiny prior: what they write, and what they say of mistakes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiovq.speech import load_synthesizer
from recipes.benchmark import __main__ as command
from recipes.benchmark.__main__ import main
from recipes.benchmark.speech import compare_speech
from tests.recipes.tiny_prior import packed


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("tts"))


@pytest.fixture
def sentences(prior: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table of three sentences; the prior's tokenizer is no bundled one."""
    for module in ("priors", "voices"):
        loads = f"recipes.benchmark.{module}.load_synthesizer"
        monkeypatch.setattr(loads, lambda model, **_: load_synthesizer(model, prior / "model"))
    rows = [{"utt_id": f"u/{n}", "text": "ab" * (n + 1), "speaker": "s1", "language": "de"} for n in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "table.parquet")
    return str(tmp_path / "table.parquet")


def test_priors_writes_what_it_measured_with_its_command(prior: Path, sentences: str, tmp_path: Path) -> None:
    out = tmp_path / "speed"
    arguments = ["priors", str(prior / "packed"), "--sentences", sentences, "--num-sentences", "2", "-o", str(out)]
    assert main([*arguments, "--repeats", "1", "--steps", "2"]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["sentences"] == ["ab", "abab"] and results["steps"] == 2 and results["repeats"] == 1
    assert results["command"].startswith(f"python -m recipes.benchmark priors {prior / 'packed'} --sentences")
    (row,) = results["priors"]
    assert [network["kind"] for network in row["networks"]] == ["cascade", "cascade", "masked"]
    assert all(len(network["seconds"]) == 1 and network["num_tokens"] > 0 for network in row["networks"])
    text = (out / "RESULTS.md").read_text()
    assert text.startswith(f"    {results['command']}\n\n") and "| 1, 2, together |" in text


def test_speech_writes_sounds_and_scores_and_goes_on(
    prior: Path, sentences: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compare(hears_as: str) -> None:
        stand_in = partial(compare_speech, hears=lambda *_: hears_as, grades=lambda *_: 4.0)
        monkeypatch.setattr(command, "compare_speech", stand_in)

    out = tmp_path / "speech"
    arguments = ["speech", str(prior / "packed"), "--sentences", sentences, "--languages", "de", "-o", str(out)]
    compare("ab")
    assert main(arguments) == 0
    results = json.loads((out / "results.json").read_text())
    ours, espeak = results["systems"]
    assert [row["system"] for row in results["systems"]] == ["audiovq", "espeak-ng"]
    assert ours["name"] == f"{prior / 'packed'}, s0" and ours["num_sentences"] == 3
    assert ours["cer"]["mean"] == pytest.approx(6 / 12) and espeak["distillmos"]["mean"] == 4.0
    assert {path.name for path in (out / "audiovq").glob("*.wav")} == {"u_0.wav", "u_1.wav", "u_2.wav"}
    assert "| espeak-ng | 3 | 0.500 [" in (out / "RESULTS.md").read_text() and "espeak-ng" in capsys.readouterr().out
    compare("nothing that was asked for")
    assert main(arguments) == 0  # all is scored already
    assert json.loads((out / "results.json").read_text())["systems"] == results["systems"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--languages", "xx"], "benchmark: .*table.parquet has no sentence in xx"),
        (["--languages", "de", "--speaker", "nobody"], "benchmark: .*nobody"),
    ],
)
def test_mistakes_of_speech_are_one_line(
    prior: Path, sentences: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setattr(command, "compare_speech", partial(compare_speech, hears=lambda *_: ""))
    with pytest.raises(SystemExit, match=message):
        main(["speech", str(prior / "packed"), "--sentences", sentences, "-o", str(tmp_path / "out"), *arguments])
