"""Only the run that was saved goes on: what differs is listed, and how to allow it can be pasted."""

import json
from typing import Any

import pytest

from audiovq.train.identity import ChangedConfigError, check_same_run, flatten, run_hash

HARMLESS = ("output_dir", "resume", "data.num_workers")
RUN: dict[str, Any] = {
    "output_dir": "exp/a",
    "optim": {"learning_rate": 0.0008, "betas": [0.9, 0.98], "warmup_steps": 500},
    "data": {"train": "a.jsonl", "num_workers": 4, "num_workers_of": 1},
    "model": {"levels": [{"size": 8}, {"size": 16}], "extra": {}},
    "resume": {"allow": []},
}


def changed(**values: object) -> dict[str, Any]:
    """RUN with other values; a key is written optim__betas."""
    run: dict[str, Any] = json.loads(json.dumps(RUN))
    for key, value in values.items():
        *groups, name = key.split("__")
        group = run
        for each in groups:
            group = group[each]
        group[name] = value
    return run


def test_lists_are_one_value() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": [{"e": 2}]}, "f": {}}) == {"a.b.c": 1, "a.d": [{"e": 2}], "f": {}}


def test_the_same_run_differs_in_nothing() -> None:
    now = changed(optim__betas=(0.9, 0.98), optim__warmup_steps=500.0)
    assert check_same_run(RUN, now, [], []) == []
    not_a_number = changed(optim__learning_rate=float("nan"))
    assert check_same_run(not_a_number, not_a_number, [], []) == []


def test_harmless_and_allowed_differences_are_told() -> None:
    now = changed(optim__learning_rate=0.0003, output_dir="exp/b", data__num_workers=0, resume__allow=["optim"])
    assert check_same_run(RUN, now, ["optim"], HARMLESS) == [
        'output_dir: "exp/a" -> "exp/b"',
        "optim.learning_rate: 0.0008 -> 0.0003",
        "data.num_workers: 4 -> 0",
        'resume.allow: [] -> ["optim"]',
    ]


def test_other_differences_are_refused_with_all_of_them_and_what_to_do() -> None:
    now = changed(optim__learning_rate=0.0003, optim__betas=[0.9, 0.99], optim__warmup_steps=True, output_dir="exp/b")
    now["data"]["num_workers_of"], now["seed"] = 2, 1
    del now["data"]["train"]
    with pytest.raises(ChangedConfigError) as refusal:
        check_same_run(RUN, now, ["optim.betas"], HARMLESS)
    assert str(refusal.value).splitlines() == [
        "the run was saved with other settings (saved -> now):",
        "  optim.learning_rate: 0.0008 -> 0.0003",
        "  optim.warmup_steps: 500 -> true",
        "  data.num_workers_of: 1 -> 2",
        "  seed: absent -> 1",
        '  data.train: "a.jsonl" -> absent',
        "Put the values back, choose another output_dir, or go on with the new ones by adding",
        "  'resume.allow=[optim.betas,optim.learning_rate,optim.warmup_steps,data.num_workers_of,seed,data.train]'",
    ]
    pasted = str(refusal.value).partition("resume.allow=[")[2].rstrip("]'").split(",")
    assert len(check_same_run(RUN, now, pasted, HARMLESS)) == 7


def test_1_is_not_true() -> None:
    assert check_same_run({"a": 1}, {"a": True}, ["a"], []) == ["a: 1 -> true"]


def test_an_allowed_name_that_no_key_has_is_a_typo() -> None:
    message = r"resume.allow names optim.learning_rte, which .* did you mean optim.learning_rate\?"
    with pytest.raises(ChangedConfigError, match=message):
        check_same_run(RUN, RUN, ["optim", "optim.learning_rte"], HARMLESS)


def test_a_run_is_named_by_what_is_not_harmless() -> None:
    name = run_hash(RUN, HARMLESS)
    assert len(name) == 12 and set(name) <= set("0123456789abcdef")
    in_other_order = dict(reversed(changed(output_dir="exp/b", data__num_workers=9).items()))
    assert run_hash(in_other_order, HARMLESS) == name
    assert len({name, run_hash(RUN), run_hash(changed(model__levels=[{"size": 8}, {"size": 17}]), HARMLESS)}) == 3
