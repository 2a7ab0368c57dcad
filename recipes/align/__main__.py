"""Align the symbols of texts with the frames of a tokenizer's finest level: train an aligner, then align all splits.

    python -m recipes.align experiment=debian_speech_tts1
    python -m recipes.align data.symbols=data/my_tts data.tables=[my_tokens/train] output_dir=exp/my_aligner

Reads symbols_SPLIT.parquet (utt_id, speaker, language, symbols, num_frames) and token tables; writes
alignments_SPLIT.parquet (utt_id, speaker, language, symbols, durations in frames) for each split.

The same command again goes on from the last checkpoint in output_dir. Exit code 75 means that it was asked to stop, has
saved, and wants to be called again.
"""

from __future__ import annotations

import sys
from typing import cast

import hydra
from omegaconf import DictConfig, OmegaConf

from audiovq.train.update import NotFiniteError
from recipes.align.config import AlignConfig, register
from recipes.align.run import align

register()


@hydra.main(version_base="1.3", config_path="../../configs", config_name="align")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        sys.exit(align(cast(AlignConfig, OmegaConf.to_object(config))))
    except (OSError, ValueError, MemoryError, NotFiniteError) as error:
        sys.exit(f"align: {error}")


if __name__ == "__main__":
    main()
