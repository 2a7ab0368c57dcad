"""One run at a time in a folder."""

import signal
from pathlib import Path

from audiovq.system.lock import FolderInUseError, only_run
from tests.train.processes import start


def try_to_hold(folder: Path) -> None:
    try:
        with only_run(folder):
            raise SystemExit(0)
    except FolderInUseError as error:
        raise SystemExit(3 if f"another run holds {folder}" in str(error) else 4) from None


def exit_code(folder: Path) -> int | None:
    process = start(try_to_hold, folder)
    process.join()
    return process.exitcode


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    with only_run(tmp_path / "run"):
        assert exit_code(tmp_path / "run") == 3
        assert exit_code(tmp_path / "another") == 0
    assert exit_code(tmp_path / "run") == 0


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    process = start(wait_holding, tmp_path)
    while not (tmp_path / "held").exists():
        assert process.exitcode is None
    assert exit_code(tmp_path) == 3
    process.kill()
    process.join()
    assert exit_code(tmp_path) == 0


def wait_holding(folder: Path) -> None:
    with only_run(folder):
        (folder / "held").touch()
        signal.pause()


def test_a_folder_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with only_run(tmp_path / "new" / "run"):
            assert (tmp_path / "new" / "run").is_dir()
