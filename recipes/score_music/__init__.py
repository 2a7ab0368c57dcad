"""Scores of generated music beside those of real music."""
