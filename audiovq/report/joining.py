"""Several runs side by side: what the systems are called, and which clips are the same recording."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.report.data import ORIGINAL, Clip, Report, System

LENGTH_TOLERANCE_SECONDS = 0.05
LEAST_CORRELATION = 0.9  # of two originals that are the same recording, perhaps at different rates


@dataclass(frozen=True)
class Run:
    """A report and the folder that its paths are relative to."""

    folder: Path
    report: Report


@dataclass(frozen=True)
class Sound:
    """One of the sounds of a clip."""

    label: str
    path: Path
    bits_per_second: float = 0.0


@dataclass(frozen=True)
class HeardClip:
    """All there is to hear of one recording; an original comes first, under its name."""

    id: str
    text: str
    sounds: list[Sound]


def load_run(folder: str | os.PathLike[str], max_clips: int | None = None) -> Run:
    """A run with its first clips. Raises: ReportError."""
    report = Report.load(folder)
    return Run(Path(folder), replace(report, clips=report.clips[:max_clips]))


def distinct(runs: Sequence[Run]) -> list[Run]:
    """The same with titles, then names of systems, that are all different: the folder, then the title tells which."""
    titles = Counter(run.report.title for run in runs)
    titled = [
        run if titles[run.report.title] == 1 else _titled(run, f"{run.report.title} ({run.folder})") for run in runs
    ]
    names = Counter(system.name for run in titled for system in run.report.systems if system.name != ORIGINAL)
    return [_renamed(run, {name for name, count in names.items() if count > 1}) for run in titled]


def join_clips(runs: Iterable[Run]) -> list[HeardClip]:
    """Clips of one id and recording in several runs become one, with the sounds of all; others stay apart."""
    groups: dict[str, list[list[tuple[Run, Clip]]]] = {}
    for run in runs:
        for clip in run.report.clips:
            if not clip.original and not clip.files:
                continue
            candidates = groups.setdefault(clip.id, [])
            group = next((group for group in candidates if _is_same(group[0], (run, clip))), None)
            if group is None:
                candidates.append([(run, clip)])
            else:
                group.append((run, clip))
    return [
        _heard(group, f"{name} ({group[0][0].report.title})" if index else name)
        for name, candidates in groups.items()
        for index, group in enumerate(candidates)
    ]


def _titled(run: Run, title: str) -> Run:
    return replace(run, report=replace(run.report, title=title))


def _renamed(run: Run, repeated: set[str]) -> Run:
    report = run.report
    new = {system.name: f"{system.name} ({report.title})" for system in report.systems if system.name in repeated}
    if not new:
        return run

    def named(system: System) -> System:
        family = f"{system.family} ({report.title})" if system.family else ""
        return replace(system, name=new.get(system.name, system.name), family=family)

    clips = [
        replace(clip, files={new.get(name, name): path for name, path in clip.files.items()}) for clip in report.clips
    ]
    systems = [named(system) for system in report.systems]
    return replace(run, report=replace(report, systems=systems, clips=clips))


def _is_same(first: tuple[Run, Clip], second: tuple[Run, Clip]) -> bool:
    (run, clip), (other_run, other_clip) = first, second
    if not (clip.original and other_clip.original):
        return not clip.original and not other_clip.original and clip.text == other_clip.text
    return _is_same_recording(run.folder / clip.original, other_run.folder / other_clip.original)


def _is_same_recording(path: Path, other_path: Path) -> bool:
    (wave, rate), (other, other_rate) = io.read(path), io.read(other_path)
    if abs(wave.shape[1] / rate - other.shape[1] / other_rate) > LENGTH_TOLERANCE_SECONDS:
        return False
    lower = min(rate, other_rate)
    first, second = (resample(_mono(each), each_rate, lower) for each, each_rate in ((wave, rate), (other, other_rate)))
    length = min(first.shape[1], second.shape[1])
    first, second = first[0, :length], second[0, :length]
    scale = first.norm() * second.norm()
    return bool(torch.equal(first, second) or (scale > 0 and first @ second / scale >= LEAST_CORRELATION))


def _mono(wave: Tensor) -> Tensor:
    return wave.mean(0, keepdim=True)


def _heard(group: Sequence[tuple[Run, Clip]], name: str) -> HeardClip:
    sounds = []
    originals = [run.folder / clip.original for run, clip in group if clip.original]
    if originals:
        sounds.append(Sound(ORIGINAL, max(originals, key=_sample_rate)))
    for run, clip in group:
        rates = {system.name: system.bits_per_second for system in run.report.systems}
        ordered = sorted(clip.files, key=list(rates).index)
        sounds += [Sound(label, run.folder / clip.files[label], rates[label]) for label in ordered]
    return HeardClip(name, next((clip.text for _, clip in group if clip.text), ""), sounds)


def _sample_rate(path: Path) -> int:
    with io.AudioReader(path) as reader:
        return reader.sample_rate
