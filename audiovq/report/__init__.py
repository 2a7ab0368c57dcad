"""A page to compare systems on: tables, plots, spectrograms, players and a blind test, in one file."""

from audiovq.report.data import FILE_NAME, ORIGINAL, Clip, Codebook, Metric, Report, ReportError, System

__all__ = ["FILE_NAME", "ORIGINAL", "Clip", "Codebook", "Metric", "Report", "ReportError", "System"]
