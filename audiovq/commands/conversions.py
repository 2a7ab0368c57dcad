"""What the audiovq command does to one file: a sound file to codes, or codes to a sound file."""

from dataclasses import dataclass
from pathlib import Path

from audiovq.audio.io import AudioWriter
from audiovq.codes import Codes, CodesError
from audiovq.commands.inputs import Job
from audiovq.tokenizer import Tokenizer, load_once
from audiovq.tokenizer import models as bundled_models


@dataclass(frozen=True)
class Encode:
    """A sound file becomes an .avq file."""

    model: str
    device: str

    def __call__(self, job: Job) -> None:
        load_once(self.model, self.device).encode(job.source).save(job.target)


@dataclass(frozen=True)
class Decode:
    """An .avq file becomes a sound file.

    model: None is the bundled one that the codes name. vocoder: as in ``audiovq.load``. levels: None is all.
    """

    model: str | None
    device: str
    vocoder: str | None
    levels: int | None

    def __call__(self, job: Job) -> None:
        codes = Codes.load(job.source)
        name = self.model or codes.model.rpartition("@")[0]
        # A name that comes from a file may pick a bundled model, never a folder.
        if self.model is None and name not in (model.name for model in bundled_models()):
            raise CodesError(f"{job.source}: made by the model {codes.model}, which is not bundled: use --model FOLDER")
        decode_to_file(load_once(name, self.device, self.vocoder), codes, self.levels, job.target)


def decode_to_file(tokenizer: Tokenizer, codes: Codes, levels: int | None, path: Path) -> None:
    """Write the sound of codes, block by block."""
    with AudioWriter(path, tokenizer.sample_rate, tokenizer.num_channels(codes)) as writer:
        for block in tokenizer.decode_blocks(codes, levels=levels):
            writer.write(block)
