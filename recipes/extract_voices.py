"""Write what each utterance of some token tables sounds like on the average: what a prior knows a voice by.

python -m recipes.extract_voices tokens/train tokens/valid -o exp/tts1/voices.parquet --model speech-16k
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rich.progress import track

from audiovq import load
from audiovq.codes import CodesError
from audiovq.pretrained import ModelError
from audiovq.priors.voice import voice_features
from audiovq.system.files import write_atomically
from audiovq.tokens.layout import TokenTableError
from audiovq.tokens.table import TokenTable


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        "python -m recipes.extract_voices", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tokens", metavar="TOKENS", nargs="+", help="folders of token tables")
    parser.add_argument("-o", dest="out", metavar="OUT.parquet", type=Path, required=True)
    parser.add_argument("--model", metavar="NAME|DIR", default="speech-16k", help="that made the codes")
    parser.add_argument(
        "--only", metavar="FILE.parquet", nargs="*", default=[], help="only utterances that stand there"
    )
    given = parser.parse_args(argv)
    try:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        write(given.tokens, given.out, given.model, given.only)
    except (OSError, ModelError, TokenTableError, CodesError) as error:
        return complain(str(error))
    return 0


def write(folders: Sequence[str], out: Path, model: str, only: Sequence[str]) -> None:
    """Decode every utterance to its log-mel and keep two numbers a band."""
    tokenizer = load(model)
    scale = tokenizer.model.config.mel_scale
    wanted = {utt_id for path in only for utt_id in pq.read_table(path, columns=["utt_id"]).column(0).to_pylist()}
    ids, voices = [], []
    for folder in folders:
        table = TokenTable(folder)
        for utt_id in track([name for name in table if not only or name in wanted], description=folder):
            ids.append(utt_id)
            voices.append(voice_features(tokenizer.decode_mel(table[utt_id])[0], scale).numpy())
    columns = {"utt_id": ids, "voice": pa.array([list(voice) for voice in voices], pa.list_(pa.float32()))}
    with write_atomically(out) as file:
        pq.write_table(pa.table(columns), file)
    print(f"{len(ids)} voices: {out}")


def complain(message: str) -> int:
    """Says it on stderr; the exit code of a failure."""
    print(f"extract_voices: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
