"""What the audiovq commands about token tables do; functions with a command's name return its exit code."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from audiovq.commands.arguments import DEFAULT_MODEL, UsageError
from audiovq.commands.terminal import complain, print_fields, print_table, progress_bar
from audiovq.data.corpora.folder import Folder
from audiovq.data.corpora.utterance import CorpusError
from audiovq.data.kaldi import DataDir, DataDirError, Sound
from audiovq.data.kaldi.usable import load_usable
from audiovq.extraction import Extraction, Model, Shard
from audiovq.system.files import write_atomically
from audiovq.system.optional import optional_package
from audiovq.tokens import TokenTable, TokenTableError
from audiovq.tokens.formats import export_table, import_table
from audiovq.tokens.statistics import length_names, measure, plot

PLOTS = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Tokenize:
    """What `audiovq tokenize` is told. shard_id: None without shards."""

    corpus: Path
    out: Path
    model: str = DEFAULT_MODEL
    device: str = "cpu"
    num_processes: int = 1
    batch_size: int = 16
    num_shards: int = 1
    shard_id: int | None = None
    only_merge: bool = False


def tokenize(given: Tokenize) -> int:
    """Tokenise a corpus, or a shard of it, or merge the shards; returns the exit code."""
    shard = Shard(given.shard_id or 0, given.num_shards)
    try:
        data, unusable = open_corpus(given.corpus)
    except DataDirError as error:
        raise UsageError(str(error)) from error
    extraction = Extraction(data, given.out, Model(given.model, given.device), shard, unusable, given.corpus)
    todo = [] if given.only_merge else extraction.todo
    num_failed = 0
    running = extraction.run(todo, given.num_processes, given.batch_size)
    with progress_bar("tokenised") as progress, closing(running) as outcomes:
        for _, result in progress.track(outcomes, total=len(todo)):
            if isinstance(result, str):
                num_failed += 1
                complain(result, exit_code=1)
    num_new = len(todo) - num_failed
    if given.shard_id is None:
        num_failed = extraction.merge()
    skipped = f", skipped {extraction.num_done} that are done" if extraction.num_done else ""
    failed = f", {num_failed} failed" if num_failed else ""
    return complain(f"tokenised {num_new}{skipped}{failed}", exit_code=1 if num_failed else 0)


def open_corpus(path: Path) -> tuple[DataDir, list[Sound]]:
    """A Kaldi data directory, or a folder of sound files as one; and of the former what cannot be used.

    Raises: DataDirError, UsageError.
    """
    if (path / "wav.scp").exists():
        return load_usable(path)
    try:
        utterances = list(Folder(path).utterances())
    except CorpusError as error:
        raise UsageError(str(error)) from error
    data = DataDir(
        wav_scp={utterance.id: str(utterance.source.path) for utterance in utterances},
        utt2spk={utterance.id: utterance.speaker for utterance in utterances},
        text={utterance.id: utterance.text for utterance in utterances},
    )
    return data, []


def stats(tokens: Path, picture: Path | None) -> int:
    """Print statistics of a table, and plot them."""
    if picture is not None and picture.suffix.lower() not in PLOTS:
        raise UsageError(f"--plot {picture}: name a file that ends in {' or '.join(PLOTS)}")
    if picture is not None:
        optional_package("matplotlib", "tokens")  # known to be missing before the work, not after it
    table = open_table(tokens)
    found = measure(table)
    print_fields(
        {
            "model": table.layout.model,
            "utterances": str(found.num_utterances),
            "speakers": str(found.num_speakers),
            "hours": f"{found.seconds / 3600:.3f}",
            "bits per second": f"{found.bits_per_second:.1f}",
            "entropy-coded": f"{found.entropy_bits_per_second:.1f} bits per second",
            "duplicates": str(found.num_duplicates),
            "silence": f"{100 * found.silence_share:.1f} %",
        }
    )
    head = ["level", "codebook", "tokens/s", "entries", "used", "perplexity", "entropy bits", "entropy bits/s"]
    rows = [
        [
            *map(str, (book.level, book.codebook)),
            f"{book.tokens_per_second:.3f}",
            str(len(book.counts)),
            f"{100 * book.usage:.1f} %",
            f"{book.perplexity:.1f}",
            f"{book.entropy_bits:.3f}",
            f"{book.entropy_bits_per_second:.1f}",
        ]
        for book in found.codebooks
    ]
    print()
    print_table([head, *rows])
    print()
    named = zip(length_names(), map(str, found.lengths), strict=True)
    print_table([["seconds", "utterances"], *(list(row) for row in named)])
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(picture) as file:
            plot(found, table.layout, file, picture.suffix.lower().removeprefix("."))
    return 0


def export(tokens: Path, out: Path, name: str) -> int:
    """Write a table in another format."""
    table = open_table(tokens)
    export_table(table, out, name)
    return complain(f"exported {len(table)} utterances", exit_code=0)


def import_export(source: Path, out: Path) -> int:
    """Make a table of an export."""
    return complain(f"imported {import_table(source, out)} utterances", exit_code=0)


def open_table(folder: Path) -> TokenTable:
    """A table whose files are what was written. Raises: TokenTableError, with a line for each that is not."""
    table = TokenTable(folder)
    if problems := table.verify():
        raise TokenTableError("\n".join(problems))
    return table
