"""`audiovq speak`, with a prior trained for seconds."""

from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path

import pytest
import soundfile

from audiovq.cli import main
from audiovq.commands.speak import SETTINGS
from audiovq.priors.sampling import Sampling
from tests.recipes.tiny_prior import packed


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments that name it."""
    folder = packed(tmp_path_factory.mktemp("tts"))
    return ["--model", str(folder / "packed"), "--tokenizer", str(folder / "model")]


def test_it_speaks_the_same_for_the_same_seed(model: list[str], tmp_path: Path) -> None:
    for name, seed in (("a.wav", "3"), ("b.wav", "3"), ("c.wav", "4")):
        assert main(["speak", "Abc. Cab!", "-o", str(tmp_path / name), "--seed", seed, *model]) == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.wav", "b.wav", "c.wav"))
    assert a == b != c
    assert soundfile.info(tmp_path / "a.wav").samplerate == 800


def test_a_file_and_stdin_are_read(model: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.txt").write_text("abc\n\ncab", encoding="utf-8")
    assert main(["speak", "--file", str(tmp_path / "text.txt"), "-o", str(tmp_path / "a.flac"), *model]) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"abc\n\ncab")))
    assert main(["speak", "--file", "-", "-o", str(tmp_path / "b.flac"), *model]) == 0
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


def test_sound_goes_into_a_pipe(model: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["speak", "abc cab", "-o", str(tmp_path / "a.wav"), *model]) == 0
    capfdbinary.readouterr()
    assert main(["speak", "abc cab", "-o", "-", *model]) == 0
    data = capfdbinary.readouterr().out
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert data[:4] == b"RIFF" and data[44:] == written.tobytes()
    assert soundfile.info(io.BytesIO(data)).samplerate == 800


def test_it_goes_on_from_a_prompt(model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speak", "abc", "-o", str(tmp_path / "me.wav"), *model]) == 0
    given = ["--prompt", str(tmp_path / "me.wav"), "--prompt-text", "abc", *model]
    assert main(["speak", "cab", "-o", str(tmp_path / "on.wav"), "--candidates", "2", *given]) == 0
    assert soundfile.info(tmp_path / "on.wav").frames > 0
    assert main(["speak", "cab", "-o", str(tmp_path / "on.wav"), "--speaker", "s0", *given]) == 2
    assert "whose voice is it to be?" in capsys.readouterr().err


def test_speakers_are_listed(model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speak", "--list-speakers", *model]) == 0
    assert capsys.readouterr().out.split() == ["speaker", "language", "s0", "de", "s1", "de"]


def test_a_prior_is_described(model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", model[1]]) == 0
    shown = capsys.readouterr().out
    assert "characters of de; 4 symbols" in shown and "2      masked   1       16" in shown and "s1       de" in shown


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        ([], 2, "name either a TEXT or a --file of it"),
        (["abc", "--file", "x"], 2, "name either a TEXT or a --file of it"),
        (["abc"], 2, "-o OUT.wav is missing"),
        (["abc", "-o", "x.mp3"], 2, "name a file that ends in"),
        (["abc", "-o", "x.wav", "--top-p", "2"], 2, "top_p is 2.0, expected above 0, to 1"),
        (["abc", "-o", "x.wav", "--rank-by", "similarity"], 2, "needs the voice to compare with: --reference"),
        (["abc", "-o", "x.wav", "--prompt", "x.wav"], 2, "--prompt-text, which says what is said in it, go together"),
        (["abc", "-o", "x.wav", "--speaker", "bob"], 2, "has no speaker 'bob'; it has s0, s1"),
        (["abc", "-o", "x.wav", "--language", "en"], 2, "does not speak 'en'; it speaks de"),
        (["", "-o", "x.wav"], 1, "got an empty text"),
        (["\N{SLIGHTLY SMILING FACE}", "-o", "x.wav"], 1, "nothing to speak"),
        (["abc", "-o", "x.wav", "--reference", "none.wav"], 1, "none.wav"),
        (["--file", "none.txt", "-o", "x.wav"], 1, "none.txt"),
    ],
)
def test_what_is_wrong_is_named(
    model: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["speak", *arguments, *model]) == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_symbols_without_a_sound_are_told(model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speak", "abc xyz", "-o", str(tmp_path / "a.wav"), *model]) == 0
    assert "left out, since the model has not learnt them:   x y z" in capsys.readouterr().err


def test_a_file_that_is_no_text_is_named(model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert main(["speak", "--file", str(tmp_path / "latin.txt"), "-o", str(tmp_path / "a.wav"), *model]) == 1
    assert "latin.txt is not UTF-8: byte 3" in capsys.readouterr().err


def test_every_setting_of_sampling_is_an_option() -> None:
    assert list(SETTINGS) == [field.name for field in fields(Sampling)]
