"""Empty the texts of a data directory that a recogniser contradicts; the sound stays.

    python -m recipes.check_text data=data/debian_speech/train 'speakers=[en_queen_joe,en_queen_other]'

Writes the texts of the data directory anew, and next to it DATA_heard.jsonl: what was heard in each utterance, with the
character error rate. The same command again listens only to what is not in there.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, cast

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from rich.console import Console
from rich.progress import track

from audiovq.audio import io
from audiovq.data.kaldi import DataDir, DataDirError
from audiovq.metrics.recogniser import PACKAGED, Recogniser
from audiovq.metrics.text import cer, normalise


@dataclass(kw_only=True)
class CheckTextConfig:
    """Settings of recipes/check_text.py."""

    data: str = MISSING  # a Kaldi data directory
    speakers: list[str] = field(default_factory=list)  # whose texts to check; none means everybody's
    max_cer: float = 0.5  # a text with a higher character error rate is contradicted
    recogniser: str = PACKAGED
    device: str = "cpu"
    num_threads: int = 2


class Heard(TypedDict):
    """A line of DATA_heard.jsonl."""

    id: str
    text: str
    heard: str
    cer: float


def check_text(config: CheckTextConfig) -> None:
    """Listen to what has a text, then empty the texts that do not fit.

    Raises: ValueError (DataDirError, AudioError) if the data are to blame.
    """
    folder = Path(config.data)
    data = DataDir.load(folder)
    if data.text is None or data.utt2lang is None:
        raise DataDirError(f"{folder} has no text or no utt2lang: nothing to check")
    unknown = set(config.speakers) - set(data.spk2utt)
    if unknown:
        raise DataDirError(f"{folder} has no speaker {', '.join(sorted(unknown))}; it has {', '.join(data.spk2utt)}")
    wanted = [
        key
        for key, speaker in data.utt2spk.items()
        if normalise(data.text[key]) and (not config.speakers or speaker in config.speakers)
    ]
    heard_file = folder.with_name(f"{folder.name}_heard.jsonl")
    known = {line["id"]: line for line in read_heard(heard_file)}
    missing = [key for key in wanted if key not in known]
    if missing:
        recogniser = Recogniser(config.recogniser, config.device, config.num_threads)
        with heard_file.open("a", encoding="utf-8") as file:
            for key in track(missing, "listening", console=Console(stderr=True)):
                known[key] = listen(recogniser, key, data.wav_scp[key], data.text[key], data.utt2lang[key])
                file.write(json.dumps(known[key], ensure_ascii=False) + "\n")
                file.flush()
    contradicted = [key for key in wanted if known[key]["cer"] > config.max_cer]
    data.text.update(dict.fromkeys(contradicted, ""))
    data.save(folder)
    print(
        f"{len(contradicted)} of {len(wanted)} texts have a CER above {config.max_cer} and are empty now: {heard_file}"
    )


def read_heard(path: Path) -> list[Heard]:
    """What earlier runs heard; a last line that was cut off does not count."""
    if not path.exists():
        return []
    content = path.read_text("utf-8")
    complete = content[: content.rfind("\n") + 1]
    if complete != content:
        path.write_text(complete, "utf-8")
    return [cast(Heard, json.loads(line)) for line in complete.splitlines()]


def listen(recogniser: Recogniser, key: str, path: str, text: str, language: str) -> Heard:
    """Transcribe an utterance and compare."""
    wave, sample_rate = io.read(path)
    heard = recogniser.transcribe(wave[0], sample_rate, re.split("[_@]", language)[0])
    return Heard(id=key, text=text, heard=heard, cer=cer(text, heard).rate)


ConfigStore.instance().store(name="base_check_text", node=CheckTextConfig)


@hydra.main(version_base="1.3", config_path="../configs", config_name="check_text")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it reports every utterance
    try:
        check_text(cast(CheckTextConfig, OmegaConf.to_object(config)))
    except ValueError as error:
        sys.exit(f"check_text: {error}")


if __name__ == "__main__":
    main()
