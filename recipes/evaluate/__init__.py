"""Scores of a model on a Kaldi data directory, at every prefix of its levels."""
