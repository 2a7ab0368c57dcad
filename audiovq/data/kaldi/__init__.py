"""Kaldi data directories: plain text tables with one line an utterance, in the order of `LC_ALL=C sort`."""

from audiovq.data.kaldi.datadir import DataDir, Segment
from audiovq.data.kaldi.sounds import Sound
from audiovq.data.kaldi.tables import DataDirError, sort_ids
from audiovq.data.kaldi.validation import validate

__all__ = ["DataDir", "DataDirError", "Segment", "Sound", "sort_ids", "validate"]
