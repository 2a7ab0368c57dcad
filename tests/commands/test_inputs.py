import os
from pathlib import Path

import pytest

from audiovq.commands.arguments import UsageError
from audiovq.commands.inputs import Job, find_files, plan

SUFFIXES = [".wav", ".flac"]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(*inputs: Path | str) -> dict[str, str]:
    places, failures = find_files(map(str, inputs), SUFFIXES)
    assert failures == []
    return {source.name: str(place) for source, place in places.items()}


def test_folders_keep_their_structure(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "x/b.FLAC", "x/y/c.wav", "x/notes.txt", "x/.d.wav.17.part", "x/.e.wav", ".hidden/f.wav")
    assert found(tmp_path) == {"a.wav": "a.wav", "b.FLAC": "x/b.FLAC", "c.wav": "x/y/c.wav"}
    assert found(tmp_path / "x") == {"b.FLAC": "b.FLAC", "c.wav": "y/c.wav"}


def test_named_files_are_taken_whatever_they_are_called(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.wav", "x/odd.name")
    named = [tmp_path / "x/a.wav", tmp_path / "x/odd.name", tmp_path / "x/missing.wav"]
    assert found(*named) == {"a.wav": "a.wav", "odd.name": "odd.name", "missing.wav": "missing.wav"}
    assert found(tmp_path / "x/a.wav", tmp_path / "x/a.wav", tmp_path / "x") == {"a.wav": "a.wav"}


def test_patterns_keep_what_follows_their_fixed_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "x/a.wav", "x/y/b.wav", "x/y/c.flac", "x/notes.txt", "[1].wav")
    assert found(f"{tmp_path}/x/**/*.wav") == {"a.wav": "a.wav", "b.wav": "y/b.wav"}
    assert found(f"{tmp_path}/?/*") == {"a.wav": "x/a.wav", "b.wav": "x/y/b.wav", "c.flac": "x/y/c.flac"}
    assert found(tmp_path / "[1].wav") == {"[1].wav": "[1].wav"}
    monkeypatch.chdir(tmp_path)
    assert found("**/*.wav", "./x/*.wav") == {"[1].wav": "[1].wav", "a.wav": "x/a.wav", "b.wav": "x/y/b.wav"}


def test_what_holds_no_file_is_reported_beside_what_does(tmp_path: Path) -> None:
    touch(tmp_path, "full/a.wav", "empty/notes.txt")
    inputs = [f"{tmp_path}/empty", f"{tmp_path}/full", f"{tmp_path}/*.wav"]
    places, failures = find_files(inputs, SUFFIXES)
    assert list(places) == [tmp_path / "full/a.wav"]
    assert failures == [f"{name}: holds no file that ends in .flac .wav" for name in (inputs[0], inputs[2])]


def test_a_folder_that_may_not_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # By hand, as modes do not stop the superuser.
    touch(tmp_path, "a.wav", "secret/b.wav")
    scan = os.scandir

    def forbid(folder: str) -> object:
        if str(folder).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", forbid)
    for inputs, expected in (([str(tmp_path)], [tmp_path / "a.wav"]), ([f"{tmp_path}/secret"], [])):
        places, failures = find_files(inputs, SUFFIXES)
        assert list(places) == expected
        assert failures == [f"{tmp_path}/secret: Permission denied"]


def test_outputs_lie_below_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    places = {Path("in/a.wav"): Path("a.wav"), Path("in/x/b.c.flac"): Path("x/b.c.flac"), Path("d"): Path("d")}
    jobs, failures = plan(places, out, [".avq"])
    assert [str(job.target.relative_to(out)) for job in jobs] == ["a.avq", "x/b.c.avq", "d.avq"]
    assert failures == []


def test_one_input_may_have_an_output_of_any_name(tmp_path: Path) -> None:
    one, two = {Path("a.avq"): Path("a.avq")}, {Path("a.avq"): Path("a.avq"), Path("b.avq"): Path("b.avq")}
    assert plan(one, tmp_path / "b.FLAC", SUFFIXES) == ([Job(Path("a.avq"), tmp_path / "b.FLAC")], [])
    with pytest.raises(UsageError, match="one file, but there are 2 inputs"):
        plan(two, tmp_path / "b.flac", SUFFIXES)
    (tmp_path / "b.flac").mkdir()
    assert [job.target.name for job in plan(two, tmp_path / "b.flac", SUFFIXES)[0]] == ["a.wav", "b.wav"]


def test_outputs_of_another_kind_are_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "a.avq", "a.mp3"):
        with pytest.raises(UsageError, match=r"expected a folder, or a file that ends in \.wav or \.flac"):
            plan({Path("a.avq"): Path("a.avq")}, tmp_path / name, SUFFIXES)


def test_two_inputs_for_one_output_are_reported() -> None:
    places = {Path("x/a.wav"): Path("a.wav"), Path("y/a.wav"): Path("a.wav"), Path("b.wav"): Path("b.wav")}
    jobs, failures = plan(places, Path("out"), [".avq"])
    assert jobs == [Job(Path("x/a.wav"), Path("out/a.avq")), Job(Path("b.wav"), Path("out/b.avq"))]
    assert failures == ["y/a.wav: its output out/a.avq is already that of x/a.wav"]
