"""The audiovq commands that tell what models and codes are: their arguments, and what they print."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from statistics import fmean

from audiovq.codes import Codes, CodesError
from audiovq.commands.arguments import add_command
from audiovq.commands.inputs import CODES_SUFFIX
from audiovq.commands.terminal import complain, print_fields, print_table
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
from audiovq.tokenizer import Tokenizer, load_once
from audiovq.tokenizer import models as bundled_models
from audiovq.units import frame_rate

MODELS_EXAMPLES = """\
examples:
  audiovq models"""

INFO_EXAMPLES = """\
examples:
  audiovq info talk.avq
  audiovq info speech-16k
  audiovq info my_model/"""


def add_model_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add models and info."""
    add_command(subparsers, "models", "list the bundled tokenizers, vocoders and priors", MODELS_EXAMPLES, _models)
    info = add_command(subparsers, "info", "what an .avq file or a model holds", INFO_EXAMPLES, _info)
    info.add_argument("name", metavar="FILE.avq|MODEL", help="an .avq file, a bundled model, or a model's folder")


def _models(_: argparse.Namespace) -> int:
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


def _info(given: argparse.Namespace) -> int:
    name, path = given.name, Path(given.name)
    if path.suffix.lower() != CODES_SUFFIX and not path.is_file():
        folder = find(name)
        if read_kind(folder) == VOCODER:
            _print_vocoder(read_vocoder_card(folder))
        elif read_kind(folder) == PRIOR:
            _print_prior(read_prior_card(folder))
        elif read_kind(folder) == MUSIC_PRIOR:
            _print_music_prior(read_music_prior_card(folder))
        else:
            _print_model(load_once(name))
        return 0
    try:
        codes = Codes.load(path)
    except CodesError as error:
        return complain(str(error), exit_code=1)
    _print_codes(codes, size_bytes=path.stat().st_size)
    return 0


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
