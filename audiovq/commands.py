"""What each audiovq command does; every function that carries a command's name returns its exit code."""

import dataclasses
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from audiovq.audio.io import AUDIO_SUFFIXES, WRITABLE_SUFFIXES
from audiovq.codes import Codes, CodesError
from audiovq.conversions import Decode, Encode, decode_to_file
from audiovq.conversions import tokenizer as load
from audiovq.jobs import CODES_SUFFIX, Job, Task, UsageError, find_files, plan, run
from audiovq.metrics.codebook import perplexity
from audiovq.models.vocoder import VocoderConfig
from audiovq.pretrained import (
    MUSIC_PRIOR,
    PRIOR,
    TOKENIZER,
    VOCODER,
    ModelCard,
    ModelInfo,
    PriorInfo,
    VocoderInfo,
    find,
    music_priors,
    priors,
    read_kind,
    read_music_prior_card,
    read_prior_card,
    read_vocoder_card,
    vocoders,
)
from audiovq.priors.config import PriorConfig
from audiovq.priors.music import MusicPriorConfig
from audiovq.priors.speech import SpeechPriorConfig
from audiovq.terminal import complain, print_fields, print_table
from audiovq.tokenizer import Tokenizer
from audiovq.tokenizer import models as bundled_models
from audiovq.units import frame_rate
from audiovq.vocoding import GRIFFIN_LIM


@dataclass(frozen=True)
class Batch:
    """Which files to work on, where the results go, and in how many processes."""

    inputs: Sequence[str]
    out: Path
    num_processes: int
    overwrite: bool


def encode(batch: Batch, model: str, device: str) -> int:
    """Write an .avq file for every sound file."""
    load(model, device)  # a wrong model is one mistake of the call, not one of each file
    return _work("encoded", Encode(model, device), batch, sorted(AUDIO_SUFFIXES), [CODES_SUFFIX])


def decode(batch: Batch, task: Decode, audio_format: str | None) -> int:
    """Write a sound file for every .avq file."""
    if task.model is not None:
        _check_levels(load(task.model, task.device, task.vocoder), task.levels)
    elif task.vocoder is not None and task.vocoder != GRIFFIN_LIM:
        read_vocoder_card(find(task.vocoder, VOCODER))  # this too is one mistake of the call
    suffixes = list(WRITABLE_SUFFIXES) if audio_format is None else [f".{audio_format}"]
    return _work("decoded", task, batch, [CODES_SUFFIX], suffixes)


def reconstruct(source: Path, out: Path, model: str, device: str, vocoder: str | None, levels: int | None) -> int:
    """Encode and decode one sound file; print its bit rate and how fast both went."""
    if out.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(f"-o {out}: name a file that ends in {' or '.join(WRITABLE_SUFFIXES)}")
    if out.exists() and source.exists() and out.samefile(source):
        raise UsageError(f"-o {out} is the input: name another file")
    tokenizer = load(model, device, vocoder)
    _check_levels(tokenizer, levels)

    def task(job: Job) -> None:
        start = time.perf_counter()
        codes = tokenizer.encode(job.source)
        middle = time.perf_counter()
        decode_to_file(tokenizer, codes, levels, job.target)
        end = time.perf_counter()
        used, seconds = codes.prefix(levels or codes.num_levels), codes.duration_seconds
        print_fields(
            {
                "model": codes.model,
                "levels": f"{used.num_levels} of {codes.num_levels}",
                "seconds": f"{seconds:.2f}",
                "bits per second": _number(used.bits_per_second),
                "vocoder": tokenizer.vocoder_name or "none",
                "encoding": f"{seconds / (middle - start):.1f} seconds of audio per second",
                "decoding": f"{seconds / (end - middle):.1f} seconds of audio per second",
            }
        )

    failure = next(run(task, [Job(source, out)], num_processes=1))
    return 0 if failure is None else complain(failure, exit_code=1)


def models() -> int:
    """List the bundled tokenizers, then vocoders, then priors."""
    rows = [["name", "kind", "sample rate", "frames/s", "bits/s", "parameters", "megabytes", "licence"]]
    for model in bundled_models():
        rates, bits = " ".join(map(_number, model.frame_rates)), _number(model.bits_per_second)
        rows.append([model.name, TOKENIZER, str(model.sample_rate), rates, bits, *_size_and_licence(model)])
    for vocoder in vocoders():
        rate = _number(vocoder.frame_rate)
        rows.append([vocoder.name, VOCODER, str(vocoder.sample_rate), rate, "-", *_size_and_licence(vocoder)])
    for kind, found in ((PRIOR, priors()), (MUSIC_PRIOR, music_priors())):
        rows += [[prior.name, kind, *["-"] * 3, *_size_and_licence(prior)] for prior in found]
    print_table(rows)
    return 0


def info(name: str) -> int:
    """Describe the codes in an .avq file, or a tokenizer, vocoder or prior."""
    path = Path(name)
    if path.suffix.lower() != CODES_SUFFIX and not path.is_file():
        folder = find(name)
        if read_kind(folder) == VOCODER:
            _print_vocoder(read_vocoder_card(folder))
        elif read_kind(folder) == PRIOR:
            _print_prior(read_prior_card(folder))
        elif read_kind(folder) == MUSIC_PRIOR:
            _print_music_prior(read_music_prior_card(folder))
        else:
            _print_model(load(name, "cpu"))
        return 0
    try:
        codes = Codes.load(path)
    except CodesError as error:
        return complain(str(error), exit_code=1)
    _print_codes(codes, size_bytes=path.stat().st_size)
    return 0


def _work(verb: str, task: Task, batch: Batch, in_suffixes: Sequence[str], out_suffixes: Sequence[str]) -> int:
    places, failures = find_files(batch.inputs, in_suffixes)
    jobs, clashes = plan(places, batch.out, out_suffixes)
    todo = [job for job in jobs if batch.overwrite or not job.is_done()]
    failures += clashes
    for failure in failures:
        complain(failure, exit_code=1)
    console = Console(stderr=True)
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    # A bar is for eyes: a stderr that is no terminal gets the lines alone.
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    num_done = 0
    with progress, closing(run(task, todo, batch.num_processes)) as outcomes:
        for outcome in progress.track(outcomes, total=len(todo)):
            if outcome is None:
                num_done += 1
            else:
                failures.append(outcome)
                complain(outcome, exit_code=1)
    skipped = f", skipped {len(jobs) - len(todo)} that exist (--overwrite redoes them)" if len(todo) < len(jobs) else ""
    failed = f", {len(failures)} failed" if failures else ""
    return complain(f"{verb} {num_done}{skipped}{failed}", exit_code=1 if failures else 0)


def _check_levels(tokenizer: Tokenizer, levels: int | None) -> None:
    if levels is not None and levels > tokenizer.num_levels:
        raise UsageError(f"--levels {levels}: {tokenizer.name} has {tokenizer.num_levels}")


def _print_codes(codes: Codes, size_bytes: int) -> None:
    print_fields(
        {
            "model": codes.model,
            "seconds": f"{codes.duration_seconds:.2f}",
            "samples": f"{codes.num_samples} at {codes.sample_rate} Hz",
            "channels": str(codes.num_channels),
            "bits per second": _number(codes.bits_per_second),
            "bytes": str(size_bytes),
        }
    )
    # Of each row, as channels and codebooks are tables of their own; the mean of them is shown.
    counts = [[row.unique(return_counts=True)[1] for row in level] for level in codes.levels]
    used = [fmean(len(count) for count in rows) for rows in counts]
    perplexities = [fmean(perplexity(count).item() for count in rows) for rows in counts]
    _print_levels(codes, {"entries used": used, "perplexity": perplexities})


def _print_model(tokenizer: Tokenizer) -> None:
    print_fields(
        {
            "model": tokenizer.model_id,
            "sample rate": f"{tokenizer.sample_rate} Hz",
            "bits per second": _number(tokenizer.bits_per_second),
            "parameters": str(tokenizer.num_parameters),
        }
    )
    _print_levels(tokenizer, {})


def _print_vocoder(card: ModelCard[VocoderConfig]) -> None:
    mel = card.config.mel
    print_fields(
        {
            "vocoder": card.name,
            "sample rate": f"{mel.sample_rate} Hz",
            "mel frames/s": _number(frame_rate(mel.sample_rate, mel.hop_length)),
            "parameters": str(card.num_parameters),
        }
    )
    print()
    print_fields({field.name: str(getattr(mel, field.name)) for field in dataclasses.fields(mel)})


def _print_prior(card: ModelCard[SpeechPriorConfig]) -> None:
    config = card.config
    print_fields(
        {
            "prior": card.name,
            "tokenizer": config.tokenizer,
            "text": f"{config.frontend} of {', '.join(config.languages)}; {len(config.symbols)} symbols",
            "parameters": str(card.num_parameters),
        }
    )
    print()
    print_table([["level", "kind", "layers", "width"], *map(_network_row, config.networks)])
    print()
    print_table([["speaker", "language"], *([speaker.name, speaker.language] for speaker in config.speakers)])


def _print_music_prior(card: ModelCard[MusicPriorConfig]) -> None:
    config = card.config
    fields = {"music prior": card.name, "tokenizer": config.tokenizer, "parameters": str(card.num_parameters)}
    print_fields(fields)
    print()
    print_table([["level", "kind", "layers", "width"], *map(_network_row, config.networks)])
    print()
    print_table([["label"], *([label] for label in config.labels)])


def _network_row(network: PriorConfig) -> list[str]:
    levels, size = ", ".join(map(str, network.covered)), network.transformer
    return [levels, network.kind, str(size.num_layers), str(size.width)]


def _size_and_licence(info: ModelInfo | VocoderInfo | PriorInfo) -> list[str]:
    return [str(info.num_parameters), f"{info.size_bytes / 1e6:.1f}", info.licence]


def _print_levels(layout: Codes | Tokenizer, scores: dict[str, list[float]]) -> None:
    columns: dict[str, Iterable[float | Fraction]] = {
        "level": range(layout.num_levels),
        "hop": layout.hop_lengths,
        "frames/s": layout.frame_rates,
        "codebooks": layout.num_codebooks,
        "entries": layout.codebook_sizes,
        **scores,
    }
    print()
    print_table([list(columns), *(list(map(_number, row)) for row in zip(*columns.values(), strict=True))])


def _number(value: float | Fraction) -> str:
    return f"{float(value):.6g}"
