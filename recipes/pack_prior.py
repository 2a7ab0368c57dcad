"""Put the parts of a prior together: of speech, durations and the networks that make the levels, coarse first.

    python -m recipes.pack_prior exp/tts1/durations exp/tts1/level0 exp/tts1/level1 exp/tts1/level2 -o exp/tts1/packed
    python -m recipes.pack_prior exp/tts1/durations exp/tts1/flat -o exp/tts1/packed_flat --data egs/my_corpus/README.md
    python -m recipes.pack_prior exp/music1/level{0,1,2,3} -o exp/music1/packed

Each part is the output_dir of a training by recipes.train_prior; of each the checkpoint with the best score is taken.
OUT is a folder that `audiovq speak --model` reads, or `audiovq generate --model` if the parts are of music.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiovq.pretrained import (
    MUSIC_PRIOR,
    ModelCard,
    load_music_prior,
    load_prior,
    read_kind,
    save_music_prior,
    save_prior,
)
from audiovq.priors.config import check_complete
from audiovq.priors.music import MusicPrior, MusicPriorConfig
from audiovq.priors.speech import SpeechPrior, SpeechPriorConfig
from audiovq.system.files import write_atomically
from audiovq.train.checkpoint import CheckpointFolder, load_checkpoint

README = """# {name}

Text to speech: {languages}; {num_parameters:.1f} million parameters. It makes codes of `{tokenizer}`.
Weights: {licence}.

    audiovq speak "..." -o out.wav --model {name} --speaker {speaker}

| speaker | language |
|---|---|
{speakers}

## Training

{parts}

{scores}## Data

{data}
"""

MUSIC_README = """# {name}

Music; {num_parameters:.1f} million parameters. It makes codes of `{tokenizer}`.
Weights: {licence}.

    audiovq generate -o out.wav --seconds 60 --model {name}{label}

Labels: {labels}.

## Training

{parts}

{scores}## Data

{data}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m recipes.pack_prior", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", metavar="PART", type=Path, nargs="+", help="the folder of a training")
    parser.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True)
    parser.add_argument("--data", metavar="FILE.md", type=Path, help="on the data and their licences, for the README")
    parser.add_argument("--scores", metavar="FILE.md", type=Path, help="how it speaks, for the README")
    given = parser.parse_args(argv)
    try:
        pack(given.parts, given.out, given.data, given.scores)
    except (OSError, ValueError) as error:
        print(f"pack_prior: {error}", file=sys.stderr)
        return 1
    return 0


def pack(parts: Sequence[Path], out: Path, data: Path | None, scores: Path | None) -> None:
    """Write config.json, model.safetensors and README.md.

    Raises: ModelError when a part cannot be read; ValueError when the parts do not make a whole.
    """
    kind = read_kind(parts[0] / "model")
    fields = (pack_music if kind == MUSIC_PRIOR else pack_speech)(parts, out)
    text = (MUSIC_README if kind == MUSIC_PRIOR else README).format(
        **fields,
        scores=f"## Scores\n\n{scores.read_text(encoding='utf-8')}\n" if scores else "",
        data=data.read_text(encoding="utf-8") if data else "Not stated.",
    )
    with write_atomically(out / "README.md") as file:
        file.write(text.encode())
    print(f"{fields['name']}: {out}")


def pack_speech(parts: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write a speech prior; what its README says."""
    loaded = [load_prior(part / "model") for part in parts]
    steps = [take_best(prior, part) for (prior, _), part in zip(loaded, parts, strict=True)]
    forms = [prior.config for prior, _ in loaded]
    bare = [replace(form, networks=[], durations=[]) for form in forms]
    for part, form in zip(parts, bare, strict=True):
        if form != bare[0]:
            raise ValueError(f"{part} was trained with other symbols, speakers, languages or codes than {parts[0]}")
    durations = [each for prior, _ in loaded for each in prior.durations]
    networks = [each for prior, _ in loaded for each in prior.networks]
    if len(durations) != 1:
        raise ValueError(f"got {len(durations)} parts that foresee durations, expected one")
    form = replace(bare[0], durations=[durations[0].config], networks=[network.config for network in networks])
    check_complete(form.networks)
    prior = SpeechPrior(form)
    prior.durations[0].load_state_dict(durations[0].state_dict())
    for network, trained in zip(prior.networks, networks, strict=True):
        network.load_state_dict(trained.state_dict())
    card = loaded[0][1]
    save_prior(out, prior, card.name, card.licence)
    return {
        **common(card, prior, form),
        "languages": ", ".join(form.languages),
        "speaker": form.speakers[0].name,
        "speakers": "\n".join(f"| {speaker.name} | {speaker.language} |" for speaker in form.speakers),
        "parts": "\n".join(map(describe, parts, forms, steps)),
    }


def pack_music(parts: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write a music prior; what its README says."""
    loaded = [load_music_prior(part / "model") for part in parts]
    steps = [take_best(prior, part) for (prior, _), part in zip(loaded, parts, strict=True)]
    forms = [prior.config for prior, _ in loaded]
    bare = [replace(form, networks=[]) for form in forms]
    for part, form in zip(parts, bare, strict=True):
        if form != bare[0]:
            raise ValueError(f"{part} was trained with other labels or codes than {parts[0]}")
    networks = [each for prior, _ in loaded for each in prior.networks]
    form = replace(bare[0], networks=[network.config for network in networks])
    check_complete(form.networks)
    prior = MusicPrior(form)
    for network, trained in zip(prior.networks, networks, strict=True):
        network.load_state_dict(trained.state_dict())
    card = loaded[0][1]
    save_music_prior(out, prior, card.name, card.licence)
    return {
        **common(card, prior, form),
        "labels": ", ".join(form.labels) or "none",
        "label": f' --label "{form.labels[0]}"' if form.labels else "",
        "parts": "\n".join(map(describe, parts, forms, steps)),
    }


def common(
    card: ModelCard[Any], prior: SpeechPrior | MusicPrior, form: SpeechPriorConfig | MusicPriorConfig
) -> dict[str, Any]:
    """What every README says."""
    num_parameters = sum(parameter.numel() for parameter in prior.parameters()) / 1e6
    return {
        "name": card.name,
        "licence": card.licence,
        "num_parameters": num_parameters,
        "tokenizer": form.tokenizer,
    }


def take_best(prior: SpeechPrior | MusicPrior, part: Path) -> int:
    """Give it the averaged weights of the checkpoint with the best score; returns the step of that."""
    best = CheckpointFolder(part / "checkpoints", metric=read_metric(part)).best()
    if best is None:
        raise ValueError(f"{part} has no checkpoint with a score: train until its first validation")
    state = load_checkpoint(best)
    prior.load_state_dict(state["networks"]["prior"]["average"]["weights"])
    return state["step"]


def read_metric(part: Path) -> str:
    """What the scores of a training are."""
    return str(json.loads((part / "checkpoints" / "scores.json").read_text(encoding="utf-8"))["metric"])


def describe(part: Path, form: SpeechPriorConfig | MusicPriorConfig, step: int) -> str:
    """A line on how a part was trained."""
    lines = (part / "log.jsonl").read_text(encoding="utf-8").splitlines()
    events: dict[str, dict[str, Any]] = {event["event"]: event for event in map(json.loads, lines)}  # the last of each
    last = events.get("end") or events.get("stop") or {}
    what = (
        "durations"
        if isinstance(form, SpeechPriorConfig) and form.durations
        else " and ".join(f"{network.kind}, level {', '.join(map(str, network.covered))}" for network in form.networks)
    )
    hours = last.get("audio_seconds", 0.0) / 3600 * step / max(1, last.get("step", step))
    command = events["begin"]["command"]
    return f"- {what}: {step} steps, {hours:.0f} hours heard: `python -m recipes.train_prior {command}`"


if __name__ == "__main__":
    sys.exit(main())
