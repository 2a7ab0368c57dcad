"""manifest.json of a token table: the model, the counts, and the files with their SHA-256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from audiovq.system.files import write_atomically
from audiovq.tokens.layout import Layout, TokenTableError
from audiovq.units import frame_rate

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class TableFile:
    """One of a table's parquet files."""

    name: str
    num_rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says. num_tokens: of each level, all channels and codebooks together."""

    layout: Layout
    num_utterances: int
    num_samples: int
    num_tokens: tuple[int, ...]
    files: tuple[TableFile, ...]

    def save(self, folder: Path) -> None:
        """Write it: from then on the folder is a token table."""
        rates = [float(frame_rate(self.layout.sample_rate, hop_length)) for hop_length in self.layout.hop_lengths]
        content = {"format_version": FORMAT_VERSION, **asdict(self), "frame_rates": rates}
        with write_atomically(folder / MANIFEST) as file:
            file.write((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Raises: TokenTableError when there is none, or none of this version."""
        path = folder / MANIFEST
        try:
            content: dict[str, Any] = json.loads(path.read_bytes())
            if content["format_version"] != FORMAT_VERSION:
                version = content["format_version"]
                raise TokenTableError(f"{path} has format version {version}, this audiovq reads {FORMAT_VERSION}")
            return cls(
                layout=Layout.from_dict(content["layout"]),
                num_utterances=content["num_utterances"],
                num_samples=content["num_samples"],
                num_tokens=tuple(content["num_tokens"]),
                files=tuple(TableFile(**file) for file in content["files"]),
            )
        except FileNotFoundError as error:
            raise TokenTableError(f"{folder} is no token table: it has no {MANIFEST}") from error
        except TokenTableError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TokenTableError(f"{path} cannot be read as the manifest of a token table: {error!r}") from error


def sha256(file: BinaryIO) -> str:
    """Of the whole file, in hex."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
