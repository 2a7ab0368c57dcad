"""What a report shows, and the file report.json that keeps it in the folder of a run."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from audiovq.build import config_from_dict
from audiovq.metrics.interval import Interval
from audiovq.system.files import write_atomically

FILE_NAME = "report.json"
VERSION = 1
ORIGINAL = "original"


class ReportError(ValueError):
    """A run that cannot be shown; the message names its folder or file."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a table says about a score."""

    title: str
    unit: str = ""
    higher_is_better: bool = True

    @property
    def heading(self) -> str:
        """Title, unit, and an arrow towards better."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.title}{unit} {'↑' if self.higher_is_better else '↓'}"


@dataclass(frozen=True, kw_only=True)
class Codebook:
    """How often each entry of a codebook occurred."""

    level: int
    frame_rate: float
    counts: list[int]


@dataclass(frozen=True, kw_only=True)
class System:
    """What is compared: a codec at one bit rate, a model at one number of levels, a way to generate."""

    name: str
    bits_per_second: float = 0.0  # 0 where it has none, as originals and generations
    family: str = ""  # systems of one family are joined by a line in the plots
    scores: dict[str, Interval] = field(default_factory=dict)
    codebooks: list[Codebook] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A recording and what the systems made of it; paths are relative to the folder of report.json."""

    id: str
    original: str = ""  # empty where there is none, as for generations
    text: str = ""
    files: dict[str, str] = field(default_factory=dict)  # {name of a system: path}


@dataclass(frozen=True, kw_only=True)
class Report:
    """One run: systems measured on the same files, and clips to hear them in.

    Raises: ReportError when its parts do not fit together.
    """

    title: str
    note: str = ""  # what was measured on what, with which command
    metrics: dict[str, Metric] = field(default_factory=dict)  # in the order of the table's columns
    systems: list[System] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = {system.name for system in self.systems}
        _refuse_repeated("system", (system.name for system in self.systems))
        _refuse_repeated("clip", (clip.id for clip in self.clips))
        for system in self.systems:
            for metric, score in system.scores.items():
                if metric not in self.metrics:
                    raise ReportError(f"system {system.name} has a score {metric}, of which metrics says nothing")
                if not score.low <= score.mean <= score.high or not math.isfinite(score.low + score.high):
                    raise ReportError(
                        f"system {system.name}: {metric} is {score.mean} in [{score.low}, {score.high}], "
                        "expected finite numbers in order"
                    )
            if not (math.isfinite(system.bits_per_second) and system.bits_per_second >= 0):
                raise ReportError(f"system {system.name} has {system.bits_per_second} bits per second")
        for clip in self.clips:
            if ORIGINAL in clip.files:
                raise ReportError(
                    f"clip {clip.id} has an {ORIGINAL} among its files: its place is the field {ORIGINAL}"
                )
            unknown = sorted(set(clip.files) - names)
            if unknown:
                raise ReportError(f"clip {clip.id} has a sound of {unknown[0]}, which is not among the systems")

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write report.json; the sounds are the caller's to write."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": VERSION, **asdict(self)}, indent=1, ensure_ascii=False, allow_nan=False)
        with write_atomically(Path(folder) / FILE_NAME) as file:
            file.write(f"{text}\n".encode())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Report:
        """Read report.json and see that the sounds are there.

        Raises: ReportError.
        """
        path = Path(folder) / FILE_NAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ReportError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise ReportError(f"{path} is not JSON: {error}") from error
        version = values.pop("version", None) if isinstance(values, dict) else None
        if version != VERSION:
            raise ReportError(f"{path} has version {version}, this audiovq reads {VERSION}")
        try:
            report = config_from_dict(cls, values)
        except ValueError as error:
            raise ReportError(f"{path}: {error}") from error
        for clip in report.clips:
            for sound in filter(None, [clip.original, *clip.files.values()]):
                if not (Path(folder) / sound).is_file():
                    raise ReportError(f"{path}: clip {clip.id} names {sound}, which is not there")
        return report


def _refuse_repeated(kind: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise ReportError(f"there are {count} {kind}s called {name!r}, expected one")
        if not name:
            raise ReportError(f"there is a {kind} without a name")
