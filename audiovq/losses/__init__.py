"""Losses: pure functions of tensors, lower is better. Weights and sums belong to the recipe."""
