"""Layers: masked convolutions with exact length and context algebra, residual blocks, output heads."""
