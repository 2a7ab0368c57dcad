"""Priors: networks that speak and play in the codes of a tokenizer, and what they are conditioned on."""
