"""RESULTS.md against the stored figures, and its parts against figures laid down by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipes.benchmark import results
from recipes.benchmark.__main__ import main
from recipes.benchmark.results import QualityBar, SpeedBar, check_results, render, write_results
from recipes.benchmark.tables import cost_table, quality_table, speed_table, speed_text, structures_text


def row(codec: str, bits: float, **scores: float) -> dict[str, Any]:
    return {
        "codec": codec,
        "name": codec.upper(),
        "sample_rate": 8_000 if codec.startswith("codec2") else 16_000,
        "num_parameters": None,
        "payload_bits_per_second": bits,
        "file_bits_per_second": None if codec == "snac" else 2 * bits,
        "delay_samples": 0,
        "scores": {
            name: {"mean": mean, "low": mean - 0.1, "high": mean + 0.1, "count": 9} for name, mean in scores.items()
        },
        "left_out": {"visqol": "it needs the package visqol"},
        "failures": ["u1: too short"] if codec == "opus:6" else [],
    }


QUALITY: dict[str, Any] = {
    "command": "python -m recipes.benchmark codecs data/x -o exp/x",
    "machine": "a processor",
    "data": "data/x",
    "num_utterances": 9,
    "num_speakers": 3,
    "seconds": 61.2,
    "min_seconds": 1.0,
    "metrics": ["pesq_wb", "stoi", "visqol"],
    "codecs": [
        row("codec2:1200", 1200.4, stoi=0.8),
        row("audiovq:speech-16k-hq", 2900, pesq_wb=2.5, stoi=0.95),
        row("opus:6", 6000, pesq_wb=2.0, stoi=0.96),
    ],
    "untrained": ["encodec:6", "snac"],
    "missing": {"lc3:16": "the program elc3 is not on the PATH: apt-get install liblc3-tools"},
}


def fast(codec: str, encode: float, decode: float, parameters: int | None) -> dict[str, Any]:
    return {
        "codec": codec,
        "name": codec.upper(),
        "num_parameters": parameters,
        "bits_per_second": 1000.0,
        "encode_multiply_adds_per_second": None if parameters is None else 2.5e8,
        "decode_multiply_adds_per_second": None if parameters is None else 1.5e9,
        "encode_seconds": {"1": [encode, 9.0, encode], "2": [encode / 2] * 3},
        "decode_seconds": {"1": [decode, decode, 0.0], "2": [decode / 2] * 3},
        "first_chunk_seconds": [0.01, 0.02, 0.5],
        "peak_bytes": None if parameters is None else 300 << 20,
    }


SPEED: dict[str, Any] = {
    "machine": "a processor",
    "source": "a synthetic voice",
    "audio_seconds": 10.0,
    "threads": [1, 2],
    "repeats": 3,
    "codecs": [
        fast("audiovq:speech-16k", 0.1, 0.2, 12_800_000),
        fast("encodec:6", 0.6, 0.8, 14_900_000),
        fast("opus:12", 0.05, 0.1, None),
    ],
    "missing": {"snac": "the package snac is not installed"},
}


STRUCTURES: dict[str, Any] = {
    "command": "python -m recipes.ablation exp/structures --structures",
    "terms": "1000 steps of 32 s on cuts.jsonl",
    "metrics": ["stoi"],
    "structures": [
        {
            "name": "conditional (ours)",
            "num_seeds": 3,
            "num_parameters": 2_700_000,
            "prefixes": [
                {"bits_per_second": 125.0, "scores": {"stoi": {"mean": 0.6, "deviation": 0.01}}},
                {"bits_per_second": 875.0, "scores": {"stoi": {"mean": 0.7, "deviation": 0.002}}},
            ],
        }
    ],
}


def test_structures_have_a_row_for_every_prefix_of_levels() -> None:
    text = structures_text(STRUCTURES)
    assert "1000 steps of 32 s on cuts.jsonl" in text and f"    {STRUCTURES['command']}\n" in text
    assert text.splitlines()[-2:] == [
        "| conditional (ours) | 3 | 2.70 M | 2 | 875 | 0.700 (0.002) |",
        "| conditional (ours) | 3 | 2.70 M | 1 | 125 | 0.600 (0.010) |",
    ]


def test_the_page_of_the_repository_says_what_the_stored_figures_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", "--check"]) == 0, capsys.readouterr().err


def test_a_page_that_says_otherwise_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "quality.json").write_text(json.dumps(QUALITY))
    assert check_results(tmp_path) == 1
    write_results(tmp_path)
    assert check_results(tmp_path) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    (tmp_path / "RESULTS.md").write_text(page.replace("2.500", "2.600"))
    assert check_results(tmp_path) == 1
    assert "python -m recipes.benchmark results" in capsys.readouterr().err


def test_quality_has_a_row_for_each_codec_and_a_line_for_all_that_is_not_there() -> None:
    table, notes = quality_table(QUALITY).split("\n\n")
    assert table.splitlines()[0] == "| codec | bits per second | with container | PESQ-WB, MOS-LQO ↑ | STOI ↑ |"
    assert table.splitlines()[2:] == [
        "| CODEC2:1200 | 1200 | 2401 | - | 0.800 [0.700, 0.900] |",
        "| **AUDIOVQ:SPEECH-16K-HQ** | 2900 | 5800 | 2.500 [2.400, 2.600] | 0.950 [0.850, 1.050] |",
        "| OPUS:6 | 6000 | 12000 | 2.000 [1.900, 2.100] | 0.960 [0.860, 1.060] |",
    ]
    assert notes.splitlines() == [
        "- not scored, since there are no weights of them here: encodec:6, snac",
        "- not measured: lc3:16: the program elc3 is not on the PATH: apt-get install liblc3-tools",
        "- OPUS:6 failed on u1: too short",
        "- ViSQOL is left out: it needs the package visqol",
    ]


def test_many_scores_are_two_tables_and_what_is_heard_alone_is_said() -> None:
    names = ["pesq_wb", "stoi", "estoi", "visqol", "distillmos", "plcmos"]
    rows = [row("audiovq:x", 900, **dict.fromkeys(names, 3.0)), row("pcm", 256_000, **dict.fromkeys(names, 4.0))]
    page = render(QUALITY | {"metrics": names, "codecs": rows}, None, None)
    first, second = (line.split(" | ") for line in page.splitlines() if line.startswith("| codec | "))
    assert len(first) == 3 + 4 and second == ["| codec", "DistillMOS, MOS ↑", "PLCMOS, MOS ↑ |"]
    assert "| PCM | 4.000 [3.900, 4.100] | 4.000 [3.900, 4.100] |" in page
    assert "DistillMOS and PLCMOS listen to the result alone" in page
    assert "listen to the result alone" not in render(QUALITY, None, None)


def test_scores_of_fewer_utterances_say_of_how_many() -> None:
    fewer = QUALITY | {"num_utterances": 10}
    assert "| 2.500 [2.400, 2.600] n=9 |" in quality_table(fewer)


def test_speed_is_in_medians_and_ratios_to_the_first() -> None:
    assert speed_table(SPEED).splitlines()[2:] == [
        "| **AUDIOVQ:SPEECH-16K** | 1000 | 100.0 | 1.00 | 50.0 | 1.00 | 200.0 | 1.00 | 100.0 | 1.00 |",
        "| ENCODEC:6 | 1000 | 16.7 | 6.00 | 12.5 | 4.00 | 33.3 | 6.00 | 25.0 | 4.00 |",
        "| OPUS:12 | 1000 | 200.0 | 0.50 | 100.0 | 0.50 | 400.0 | 0.50 | 200.0 | 0.50 |",
    ]
    assert cost_table(SPEED).splitlines()[2:] == [
        "| **AUDIOVQ:SPEECH-16K** | 12.8 M | 0.25 G | 1.50 G | 300 MiB | 20 ms |",
        "| ENCODEC:6 | 14.9 M | 0.25 G | 1.50 G | 300 MiB | 20 ms |",
        "| OPUS:12 | - | - | - | - | 20 ms |",
    ]
    assert "- not measured: snac: the package snac is not installed" in speed_text(SPEED)


def test_bars_are_met_or_missed() -> None:
    bars = [QualityBar("audiovq:speech-16k-hq", "opus:6", metric) for metric in ("pesq_wb", "stoi")]
    assert [bar.row(QUALITY) for bar in bars] == [
        ["AUDIOVQ:SPEECH-16K-HQ: PESQ-WB of OPUS:6", "2.500 against 2.000", "met"],
        ["AUDIOVQ:SPEECH-16K-HQ: STOI of OPUS:6", "0.950 against 0.960", "**missed**"],
    ]
    assert QualityBar("audiovq:speech-16k-hq", "opus:8", "stoi").row(QUALITY) is None
    assert SpeedBar("encodec:6", 5).rows(SPEED) == [
        ["encode 5 times as fast as ENCODEC:6, 2 thread(s)", "6.00", "met"],
        ["decode 5 times as fast as ENCODEC:6, 2 thread(s)", "4.00", "**missed**"],
    ]
    assert SpeedBar("snac", 40).rows(SPEED) == []


def test_what_has_not_been_measured_is_said() -> None:
    assert render(None, None, None).count("Not measured yet.") == 4
    whole = render(QUALITY, SPEED, STRUCTURES)
    assert "Not measured yet." not in whole
    assert "9 utterances of 3 voices" in whole
    assert f"    {QUALITY['command']}\n" in whole
    assert results.COMMAND in whole
