"""transformers' generate() with a GPT-2 as large as a network of a prior: the rival in tokens per second."""

from __future__ import annotations

from typing import Any

import torch

from audiovq.priors.config import PriorConfig
from audiovq.priors.sampling import Sampling

_MAX_TOKENS = 4096  # of a piece of text; positions cost no time


class Gpt2:
    """Layers, width, heads and vocabulary of a prior's network; random weights, which are as fast as trained ones."""

    def __init__(self, config: PriorConfig) -> None:
        from transformers import GPT2Config, GPT2LMHeadModel  # only this rival needs it; slow to import

        size, levels = config.transformer, config.codes
        vocabulary = sum(levels.codebook_sizes[level] * levels.num_codebooks[level] for level in config.covered)
        settings: Any = {
            "vocab_size": vocabulary,
            "n_positions": _MAX_TOKENS,
            "n_embd": size.width,
            "n_layer": size.num_layers,
            "n_head": size.num_heads,
            "n_inner": size.expansion * size.width,
            "bos_token_id": 0,
            "eos_token_id": None,
            "pad_token_id": 1,
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model: Any = GPT2LMHeadModel(GPT2Config(**settings))
        self._model: Any = model.eval()

    @torch.inference_mode()
    def generate(self, num_tokens: int, sampling: Sampling) -> int:
        """Make tokens one by one with its cache, drawn and guided as by the settings; how many were made.

        Guided, it too foresees every token twice: with all before it, and without the condition that it began with.
        """
        drawn = sampling.temperature > 0
        settings: dict[str, Any] = {"do_sample": drawn}
        if drawn:
            settings |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
        if sampling.guidance != 1:
            settings["guidance_scale"] = sampling.guidance
        begin = torch.zeros(1, 1, dtype=torch.int64)
        with torch.random.fork_rng(devices=[]):
            made = self._model.generate(
                begin,
                attention_mask=torch.ones_like(begin),
                max_new_tokens=num_tokens,
                min_new_tokens=num_tokens,
                use_cache=True,
                **settings,
            )
        return int(made.shape[1]) - 1
