"""Speak held-out sentences with a speech prior, and score them beside the recordings and their reconstructions.

    python -m recipes.generate model=exp/tts1/packed sentences=data/tts1/symbols_test.parquet output_dir=exp/tts1/scores
    python -m recipes.generate model=tts-debian sentences=data/tts1/symbols_test.parquet output_dir=exp/cool \
        'speakers=[en_queen_joe]' sampling.temperature=0.6 sampling.candidates=4

Every sentence is spoken by the speaker who recorded it, written to output_dir/sounds and (as .avq, for
recipes.score_codes) to output_dir/codes, heard by a recogniser, and held against the recording, which is decoded from
its codes in ``tables``. How likely the prior finds what it spoke is told in bits per second of audio, beside how likely
it finds the recordings where ``alignments`` tells their durations. Writes scores.jsonl (a line for each sentence),
summary.json and RESULTS.md. The same command again goes on where it stopped.
"""

from __future__ import annotations

import sys
from typing import cast

import hydra
from omegaconf import DictConfig, OmegaConf

from recipes.generate.run import GenerateConfig, generate, register

register()


@hydra.main(version_base="1.3", config_path="../../configs", config_name="generate")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        generate(cast(GenerateConfig, OmegaConf.to_object(config)))
    except (OSError, ValueError, ModuleNotFoundError) as error:
        sys.exit(f"generate: {error}")


if __name__ == "__main__":
    main()
