"""Stored figures as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from audiovq.metrics.registry import COLUMNS, Column
from audiovq.metrics.summary import table

_MEBIBYTE = 1 << 20
_SCORES_A_TABLE = 4  # with their intervals more are too wide to read


def column_of(metric: str) -> Column:
    """What a table says about a score."""
    return COLUMNS[metric]


def quality_table(results: Mapping[str, Any]) -> str:
    """One codec a row, by rising bit rate: what it needs and how it scores; many scores are several tables."""
    names = [name for name in results["metrics"] if any(name in row["scores"] for row in results["codecs"])]
    bits = [
        [f"{row['payload_bits_per_second']:.0f}", _or_dash(row["file_bits_per_second"], "{:.0f}")]
        for row in results["codecs"]
    ]
    tables = []
    for start in range(0, max(1, len(names)), _SCORES_A_TABLE):
        some = names[start : start + _SCORES_A_TABLE]
        rows = [
            [
                _bold(row["name"], row["codec"]),
                *(needs if start == 0 else []),
                *(_interval(row["scores"].get(name), results["num_utterances"]) for name in some),
            ]
            for row, needs in zip(results["codecs"], bits, strict=True)
        ]
        header = ["codec", *(["bits per second", "with container"] if start == 0 else [])]
        tables.append(table([*header, *(column_of(name).heading for name in some)], rows))
    notes = [f"- not scored, since there are no weights of them here: {', '.join(results['untrained'])}"]
    notes = notes if results["untrained"] else []
    notes += [f"- not measured: {word}: {reason}" for word, reason in results["missing"].items()]
    notes += [f"- {row['name']} failed on {each}" for row in results["codecs"] for each in row["failures"]]
    left_out = {name: why for row in results["codecs"] for name, why in row["left_out"].items()}
    notes += [f"- {column_of(name).title} is left out: {why}" for name, why in left_out.items()]
    return "\n\n".join(part for part in (*tables, "\n".join(notes)) if part)


def structures_text(results: Mapping[str, Any]) -> str:
    """Every prefix of levels of every structure: means over seeds, with their standard deviations."""
    rows = [
        [
            row["name"],
            str(row["num_seeds"]),
            f"{row['num_parameters'] / 1e6:.2f} M",
            str(number),
            f"{prefix['bits_per_second']:.0f}",
            *("{mean:.3f} ({deviation:.3f})".format(**prefix["scores"][metric]) for metric in results["metrics"]),
        ]
        for row in results["structures"]
        for number, prefix in reversed(list(enumerate(row["prefixes"], start=1)))
    ]
    header = ["structure", "seeds", "parameters", "levels", "bits per second"]
    return "\n\n".join(
        [
            "What other codecs are made of, trained by this project on the same data for as many steps, at equal bits "
            "and parameters; nothing but the structure differs. Means over seeds of unheard voices, in brackets their "
            f"standard deviations. {results['terms']}.",
            f"    {results['command']}",
            table([*header, *(column_of(metric).heading for metric in results["metrics"])], rows),
        ]
    )


def speed_table(results: Mapping[str, Any]) -> str:
    """Medians as seconds of audio per second, and how many times as fast the first codec is as each."""
    counts = [str(number) for number in results["threads"]]
    header = ["codec", "bits per second"]
    for number in counts:
        words = "1 thread" if number == "1" else f"{number} threads"
        header += [f"encode, {words}", "ratio", f"decode, {words}", "ratio"]
    first = results["codecs"][0]
    rows = []
    for row in results["codecs"]:
        cells = [_bold(row["name"], row["codec"]), f"{row['bits_per_second']:.0f}"]
        for number in counts:
            for what in ("encode_seconds", "decode_seconds"):
                seconds = statistics.median(row[what][number])
                cells += [
                    f"{results['audio_seconds'] / seconds:.1f}",
                    f"{seconds / statistics.median(first[what][number]):.2f}",
                ]
        rows.append(cells)
    return table(header, rows)


def cost_table(results: Mapping[str, Any]) -> str:
    """What a codec needs apart from time, and how soon its first sound is there."""
    header = [
        "codec",
        "parameters",
        "encoder, multiply-adds per s of audio",
        "decoder, multiply-adds per s of audio",
        "memory at its peak",
        "first second coded and decoded after",
    ]
    rows = [
        [
            _bold(row["name"], row["codec"]),
            _or_dash(row["num_parameters"], "{:.1f} M", 1e6),
            _or_dash(row["encode_multiply_adds_per_second"], "{:.2f} G", 1e9),
            _or_dash(row["decode_multiply_adds_per_second"], "{:.2f} G", 1e9),
            _or_dash(row["peak_bytes"], "{:.0f} MiB", _MEBIBYTE),
            f"{1000 * statistics.median(row['first_chunk_seconds']):.0f} ms",
        ]
        for row in results["codecs"]
    ]
    return table(header, rows)


def speed_notes(results: Mapping[str, Any]) -> str:
    """What was measured how."""
    notes = [
        f"Seconds of audio per second on {results['audio_seconds']:.1f} s of {results['source']}, medians of "
        f"{results['repeats']} repeats in which all take turns; ratios are {results['codecs'][0]['name']} to the codec "
        f"({results['machine']}). Programs run once for each call: their time includes their start. Multiply-adds are "
        "those of convolutions, matrix products and attention; FFTs are not counted. Memory is that of a whole "
        "process, Python and torch included."
    ]
    notes += [f"- not measured: {word}: {reason}" for word, reason in results["missing"].items()]
    return "\n\n".join([notes[0], "\n".join(notes[1:])]).strip()


def speed_text(results: Mapping[str, Any]) -> str:
    """Both tables and what they are about."""
    return "\n\n".join([speed_table(results), cost_table(results), speed_notes(results)])


def _bold(name: str, codec: str) -> str:
    return f"**{name}**" if codec.startswith("audiovq:") else name


def _or_dash(value: float | None, form: str, unit: float = 1) -> str:
    return "-" if value is None else form.format(value / unit)


def _interval(values: Mapping[str, float] | None, expected: int) -> str:
    if values is None:
        return "-"
    text = f"{values['mean']:.3f} [{values['low']:.3f}, {values['high']:.3f}]"
    return text if values["count"] == expected else f"{text} n={values['count']}"
