"""Train what makes sound: a vocoder of log-mels, or a waveform decoder for the frozen codes of a tokenizer.

    python -m recipes.train_vocoder experiment=debian_speech_voc1 output_dir=exp/my_vocoder
    python -m recipes.train_vocoder experiment=debian_speech_voc1 'tokenizers=[speech-16k,speech-16k-hq]'
    python -m recipes.train_vocoder experiment=debian_speech_voc1 'tokenizers=[speech-16k]' source=codes

The generator learns from spectral distances, and from ``adversarial.start_step`` on also against discriminators. The
same command again goes on from the last checkpoint in output_dir. Exit code 75 means that it was asked to stop, has
saved, and wants to be called again.
"""

from __future__ import annotations

import sys
from typing import cast

import hydra
from omegaconf import DictConfig, OmegaConf

from audiovq.train.update import NotFiniteError
from recipes.schema import TrainVocoderConfig, register
from recipes.train_vocoder.run import train

register()


@hydra.main(version_base="1.3", config_path="../../configs", config_name="train_vocoder")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        sys.exit(train(cast(TrainVocoderConfig, OmegaConf.to_object(config))))
    except (OSError, ValueError, MemoryError, NotFiniteError) as error:
        sys.exit(f"train_vocoder: {error}")


if __name__ == "__main__":
    main()
