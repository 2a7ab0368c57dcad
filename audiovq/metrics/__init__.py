"""Scores as pure functions: each states its source, range, direction and unit."""
