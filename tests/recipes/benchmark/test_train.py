"""The training table, from a stand-in recipe whose log is known."""

from pathlib import Path

import pytest

from recipes.benchmark.__main__ import main
from recipes.benchmark.train import TrainingFailedError, TrainingSpeed, measure, train_speed

RECIPE = """
import json, sys
settings = dict(argument.split("=", 1) for argument in sys.argv[1:])
if settings["speed"] == "none":
    sys.exit("no such device")
with open(settings["output_dir"] + "/log.jsonl", "w") as file:
    for step in range(int(settings["log_every"]), int(settings["total_steps"]) + 1, int(settings["log_every"])):
        fast = float(settings["speed"]) if step == int(settings["total_steps"]) else 1.0
        file.write(json.dumps({"event": "train", "step": step, "audio_seconds_per_second": fast, "waiting_share": 0.2}))
        file.write("\\n")
    file.write(json.dumps({"event": "end", "step": step}) + "\\n")
"""


@pytest.fixture(autouse=True)
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "__init__.py").touch()
    (tmp_path / "recipes" / "stand_in.py").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)


def test_the_second_half_counts() -> None:
    speed = measure("stand_in", ["speed=80"], steps=5)
    assert speed == TrainingSpeed(80.0, 0.2)
    assert speed.without_loading == pytest.approx(100.0)


def test_rows_are_compared_with_the_first() -> None:
    text = train_speed("stand_in", ["speed=80", "speed=20 model=large"], ["experiment=x"], steps=5)
    assert text.splitlines()[0].startswith("stand_in experiment=x, 5 steps after 5 to warm up (")
    assert text.splitlines()[-2:] == [
        "| speed=80 | 80.0 | 100.0 | 20.0 % | 1.00 |",
        "| speed=20 model=large | 20.0 | 25.0 | 20.0 % | 4.00 |",
    ]


def test_a_training_that_fails_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TrainingFailedError, match="ended with code 1: no such device"):
        measure("stand_in", ["speed=none"], steps=5)
    with pytest.raises(SystemExit, match=r"benchmark: `.*-m recipes.stand_in speed=none"):
        main(["train", "--recipe", "stand_in", "--", "speed=none"])


def test_the_command_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--recipe", "stand_in", "--variant", "speed=9", "--out", str(tmp_path / "t.md"), "--", "a=1"])
    assert capsys.readouterr().out.strip() == (tmp_path / "t.md").read_text().strip()
    assert "stand_in a=1, 40 steps" in (tmp_path / "t.md").read_text()
