"""Small runs to make reports of: chirps, and what two make-believe codecs do to them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.metrics.interval import Interval
from audiovq.report import Clip, Codebook, Metric, Report, System

RATE = 16_000
HOSTILE = '<b>a & "b"</b>\'s $title </script>'


def chirp(seconds: float, lowest_hz: float = 200.0, sample_rate: int = RATE) -> Tensor:
    """Shape: (1, T)"""
    time = torch.arange(round(seconds * sample_rate)) / sample_rate
    return 0.3 * torch.sin(2 * torch.pi * (lowest_hz * time + 150 * time**2))[None]


def save_run(
    folder: Path, title: str = "tiny", names: tuple[str, str] = ("rough", "fine"), seconds: float = 2.0
) -> Report:
    """Two clips, two systems, one score, one codebook."""
    clips = []
    for index, clip in enumerate(("one", "two")):
        wave = chirp(seconds, lowest_hz=200.0 + 300 * index)
        sounds = {"original": wave, names[0]: 0.3 * wave[:, : -RATE // 10], names[1]: 0.9 * wave}
        for name, sound in sounds.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            io.write(folder / name / f"{clip}.wav", sound, RATE)
        files = {name: f"{name}/{clip}.wav" for name in names}
        clips.append(Clip(id=clip, original=f"original/{clip}.wav", text=f"clip {clip}", files=files))
    report = Report(
        title=title,
        note="Four files.\n\n    command --with settings",
        metrics={"stoi": Metric(title="STOI"), "mel": Metric(title="mel distance", unit="nat", higher_is_better=False)},
        systems=[
            System(
                name=names[0],
                family="codec",
                bits_per_second=400,
                scores={"stoi": Interval(0.7, 0.65, 0.74, 4), "mel": Interval(0.6, 0.5, 0.7, 3)},
            ),
            System(
                name=names[1],
                family="codec",
                bits_per_second=1050,
                scores={"stoi": Interval(0.9, 0.88, 0.93, 4)},
                codebooks=[Codebook(level=0, frame_rate=12.5, counts=[8, 4, 4, 0])],
            ),
        ],
        clips=clips,
    )
    report.save(folder)
    return report
