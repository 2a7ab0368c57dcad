"""Alignments of symbols and frames."""
