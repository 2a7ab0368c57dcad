"""The log of a run, read back with what reads it: also after a kill, and after going on."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]
from tensorboard.summary.writer import event_file_writer  # type: ignore[import-untyped]

from audiovq.train.run_log import RunLog


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line, parse_constant=pytest.fail) for line in (folder / "log.jsonl").read_text().splitlines()]


def events(folder: Path) -> EventAccumulator:
    reader = EventAccumulator(str(folder / "tensorboard"), {"scalars": 0, "audio": 0, "images": 0})
    reader.Reload()
    return reader


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensorboard sorts files of one second by how many this process had opened before, the tenth before the ninth."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Path]:
    """The folder of a run that reported steps 1 to 6 and died while it wrote to both of its files."""
    folder = tmp_path / "run"
    with closing(RunLog(folder)) as log:
        for step in range(1, 7):
            log.event("train", step, {"loss": 10.0 * step, "by_level": [1, float("nan")]})
            log.scalars(step, {"loss/mel": 10.0 * step})
        with open(folder / "log.jsonl", "ab") as file:
            file.write('{"event": "train", "step": 7, "note": "\N{SNOWMAN}'.encode()[:-1])
        (half_record,) = (folder / "tensorboard").iterdir()
        with open(half_record, "ab") as file:
            file.write(half_record.read_bytes()[-30:-10])
        yield folder  # before close(): what was written is there without it


def test_every_line_is_written_at_once_and_a_torn_one_is_cut_off(killed: Path) -> None:
    with closing(RunLog(killed, steps_done=4)) as log:
        log.event("resume", 4, {"note": "\N{SNOWMAN}"})
        log.event("train", 5, {"loss": float("inf")})
        assert lines(killed) == [
            *({"event": "train", "step": step, "loss": 10.0 * step, "by_level": [1, None]} for step in range(1, 7)),
            {"event": "resume", "step": 4, "note": "\N{SNOWMAN}"},
            {"event": "train", "step": 5, "loss": None},
        ]


@pytest.mark.parametrize(
    "steps_done, shown",
    [(4, [(1, 10), (2, 20), (3, 30), (4, 40), (5, 5)]), (0, [(5, 5)])],
)
def test_steps_done_twice_are_shown_once(killed: Path, steps_done: int, shown: list[tuple[int, float]]) -> None:
    with closing(RunLog(killed, steps_done)) as log:
        log.scalars(5, {"loss/mel": 5.0})
    assert [(event.step, event.value) for event in events(killed).Scalars("loss/mel")] == shown


def test_audio_can_be_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wave = 1.2 * torch.sin(torch.arange(800) / 10)[None].to(torch.float64).requires_grad_()
    with closing(RunLog(tmp_path)) as log:
        log.audio(3, "sample/0", wave, 8000)
    assert capsys.readouterr().out == ""
    (event,) = events(tmp_path).Audio("sample/0")
    heard, rate = soundfile.read(io.BytesIO(event.encoded_audio_string), dtype="float32")
    assert (event.step, event.sample_rate, rate) == (3, 8000, 8000)
    torch.testing.assert_close(torch.from_numpy(heard)[None], wave.detach().float().clamp(-1, 1), atol=1e-4, rtol=0)


def test_a_picture_is_dark_where_the_log_mel_is_low_and_upside_down(tmp_path: Path) -> None:
    matrix = torch.linspace(-11.5, 2.0, 60).reshape(20, 3)
    with closing(RunLog(tmp_path)) as log:
        log.picture(3, "mel", matrix)
        log.picture(4, "mel", torch.full((20, 3), -11.5))
    rising, flat = (Image.open(io.BytesIO(event.encoded_image_string)) for event in events(tmp_path).Images("mel"))
    assert rising.size == (3, 20) and rising.getpixel((0, 19)) == (0, 0, 0)
    lightness = np.asarray(rising.convert("L"), dtype=int)[::-1].flatten()
    assert (np.diff(lightness) > 0).all() and lightness[-1] > 240
    assert not np.asarray(flat).any()


def test_without_tensorboard_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with closing(RunLog(tmp_path)) as log:
        log.event("train", 1, {})
        log.scalars(1, {"loss/mel": 0.4})
        log.audio(1, "sample", torch.zeros(1, 10), 8000)
        log.picture(1, "mel", torch.zeros(2, 2))
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "tensorboard is not installed" in error and ".[train]" in error
    assert len(lines(tmp_path)) == 1 and not (tmp_path / "tensorboard").exists()


def test_all_processes_but_the_first_write_nothing(tmp_path: Path) -> None:
    with closing(RunLog(tmp_path / "run", active=False)) as log:
        log.event("train", 1, {})
        log.scalars(1, {"loss/mel": 0.4})
    assert not (tmp_path / "run").exists()
