"""Lhotse cuts from a data directory."""

from __future__ import annotations

from pathlib import Path

from audiovq.data.kaldi import DataDir
from audiovq.data.kaldi.lhotse_export import to_cuts, to_recordings, write_manifest


def write_cuts(data: DataDir, path: Path) -> None:
    """Write the cuts as gzipped JSON lines, all of them or none."""
    write_manifest(to_cuts(data, to_recordings(data)), path)
