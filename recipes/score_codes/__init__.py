"""Scores of generated codes beside those of real ones."""
