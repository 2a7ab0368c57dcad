"""Pack a trained model for use: its folder, with a README that states data, licence, command, steps and scores.

python -m recipes.pack exp=exp/debian_speech/codec1 scores=exp/debian_speech/codec1/scores output_dir=packed
python -m recipes.pack exp=exp/debian_speech/codec1 output_dir=audiovq/pretrained/speech-16k   # the one that ships
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

import audiovq


@dataclass(kw_only=True)
class PackConfig:
    """Settings of recipes/pack.py."""

    exp: str = MISSING  # a training's folder
    scores: str = "${exp}/scores"  # what recipes.evaluate wrote for it
    output_dir: str = MISSING
    data: str = ""  # a file of Markdown that names the data and their licences; copied into the README


README = """# {name}

{num_levels} levels, {bits_per_second:.0f} bits per second, {sample_rate} Hz mono, {parameters:.1f} million parameters.
Weights: {licence}.

| level | codes per second | codebooks | entries |
|---|---|---|---|
{levels}

## Training

{steps} steps, {hours:.0f} hours of audio heard (repeats and speed changes included). The command:

    python -m recipes.train_tokenizer {command}

## Scores

{scores}
## Data

{data}
"""


def pack(config: PackConfig) -> None:
    """Copy model and write README.md. Raises: FileNotFoundError naming the stage that is missing."""
    source, target = Path(config.exp) / "model", Path(config.output_dir)
    for path, stage in ((source / "config.json", "train"), (Path(config.scores) / "RESULTS.md", "evaluate")):
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: run the stage '{stage}' first")
    tokenizer = audiovq.load(source)
    events = [json.loads(line) for line in (Path(config.exp) / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    target.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "config.json"):
        shutil.copyfile(source / name, target / name)
    (target / "README.md").write_text(describe(config, tokenizer, events), encoding="utf-8")


def describe(config: PackConfig, tokenizer: audiovq.Tokenizer, events: list[dict[str, Any]]) -> str:
    """The model's README."""
    rows = zip(tokenizer.frame_rates, tokenizer.num_codebooks, tokenizer.codebook_sizes, strict=True)
    ends = [event for event in events if event["event"] == "end"]
    begins = [event for event in events if event["event"] == "begin"]
    card = json.loads((Path(config.exp) / "model" / "config.json").read_text(encoding="utf-8"))
    return README.format(
        name=tokenizer.name,
        num_levels=tokenizer.num_levels,
        bits_per_second=tokenizer.bits_per_second,
        sample_rate=tokenizer.sample_rate,
        parameters=tokenizer.num_parameters / 1e6,
        licence=card["licence"],
        levels="\n".join(f"| {i} | {float(rate) * k:g} | {k} | {v} |" for i, (rate, k, v) in enumerate(rows)),
        steps=ends[-1]["step"],
        hours=ends[-1]["audio_seconds"] / 3600,
        command=begins[-1]["command"],
        scores=(Path(config.scores) / "RESULTS.md").read_text(encoding="utf-8"),
        data=Path(config.data).read_text(encoding="utf-8") if config.data else "Not stated.",
    )


ConfigStore.instance().store(name="base_pack", node=PackConfig)


@hydra.main(version_base="1.3", config_path="../configs", config_name="pack")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        pack(cast(PackConfig, OmegaConf.to_object(config)))
    except (ValueError, OSError) as error:
        sys.exit(f"pack: {error}")


if __name__ == "__main__":
    main()
