"""Score a model on a Kaldi data directory, at every prefix of its levels.

    python -m recipes.evaluate model=speech-16k data=data/test output_dir=exp/scores num_utterances=500
    python -m recipes.evaluate model=exp/my_run/model data=data/test output_dir=exp/scores cer=true num_workers=4

Writes scores.jsonl (a line for each utterance), summary.json and RESULTS.md into output_dir, and the sounds of a few
utterances with a report.json, of which `audiovq report` makes a page to listen to. The same command again goes on where
it stopped; with a larger num_utterances it adds to what is there.
"""

from __future__ import annotations

import logging
import sys
from typing import cast

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markdown import Markdown

from recipes.evaluate.config import EvaluateConfig, register
from recipes.evaluate.run import evaluate

register()


@hydra.main(version_base="1.3", config_path="../../configs", config_name="evaluate")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it reports every utterance
    try:
        text = evaluate(cast(EvaluateConfig, OmegaConf.to_object(config)))
    # What the data, the model, the settings or a missing extra are to blame for says so itself.
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"evaluate: {error}")
    Console().print(Markdown(text))


if __name__ == "__main__":
    main()
