"""Pack a trained model for use: its folder, with a README that states data, licence, command, steps and scores.

python -m recipes.pack exp=exp/debian_speech/codec1 scores=exp/debian_speech/codec1/scores output_dir=packed
python -m recipes.pack exp=exp/debian_speech/codec1 output_dir=audiovq/pretrained/speech-16k   # the one that ships
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

import audiovq
from audiovq.pretrained import VOCODER, load_vocoder, read_kind


@dataclass(kw_only=True)
class PackConfig:
    """Settings of recipes/pack.py."""

    exp: str = MISSING  # a training's folder
    scores: str = "${exp}/scores"  # what recipes.evaluate wrote for it
    output_dir: str = MISSING
    recipe: str = "train_tokenizer"  # that trained it
    data: str = ""  # a file of Markdown that names the data and their licences; copied into the README


README = """# {name}

{what}
Weights: {licence}.

{details}

## Training

{steps} steps, {hours:.0f} hours of audio heard (repeats and speed changes included). The command:

    python -m recipes.{recipe} {command}

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
    text = describe(config, source)
    target.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "config.json"):
        shutil.copyfile(source / name, target / name)
    (target / "README.md").write_text(text, encoding="utf-8")


def describe(config: PackConfig, model: Path) -> str:
    """The model's README. Raises: ModelError when the model cannot be loaded."""
    lines = (Path(config.exp) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    events = {event["event"]: event for event in map(json.loads, lines)}  # the last of each
    last = events.get("end") or events["stop"]  # a run that its time budget has ended may be packed too
    card = json.loads((model / "config.json").read_text(encoding="utf-8"))
    what, details = describe_vocoder(model) if read_kind(model) == VOCODER else describe_tokenizer(model)
    return README.format(
        name=card["name"],
        licence=card["licence"],
        what=what,
        details=details,
        steps=last["step"],
        hours=last["audio_seconds"] / 3600,
        recipe=config.recipe,
        command=events["begin"]["command"],
        scores=(Path(config.scores) / "RESULTS.md").read_text(encoding="utf-8"),
        data=Path(config.data).read_text(encoding="utf-8") if config.data else "Not stated.",
    )


def describe_tokenizer(model: Path) -> tuple[str, str]:
    """A sentence, and a table of its levels."""
    tokenizer = audiovq.load(model)
    rows = zip(tokenizer.frame_rates, tokenizer.num_codebooks, tokenizer.codebook_sizes, strict=True)
    table = ["| level | codes per second | codebooks | entries |", "|---|---|---|---|"]
    table += [f"| {i} | {float(rate) * k:g} | {k} | {v} |" for i, (rate, k, v) in enumerate(rows)]
    channels = "stereo" if tokenizer.model.config.num_channels == 2 else "mono"
    what = (
        f"{tokenizer.num_levels} levels, {tokenizer.bits_per_second:.0f} bits per second, "
        f"{tokenizer.sample_rate} Hz {channels}, {tokenizer.num_parameters / 1e6:.1f} million parameters."
    )
    return what, "\n".join(table)


def describe_vocoder(model: Path) -> tuple[str, str]:
    """A sentence, and a table of the mels that it reads."""
    card = load_vocoder(model)[1]
    mel = card.config.mel
    table = ["| log-mels | |", "|---|---|", *(f"| {name} | {value} |" for name, value in asdict(mel).items())]
    what = f"Log-mels to sound, {mel.sample_rate} Hz mono, {card.num_parameters / 1e6:.1f} million parameters."
    return what, "\n".join(table)


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
