"""The same utterances through every codec, into folders: what went in, what came out, and the bits in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.data.kaldi import DataDir
from audiovq.data.subset import balanced_subset
from audiovq.metrics.score_file import ScoreFile
from audiovq.units import samples_to_seconds, seconds_to_samples
from recipes.benchmark.codec import Codec, CodecError
from recipes.benchmark.delay import align, delay_of, measure_delays

SCORED_RATE = 16_000  # of the references and of every result, if nothing is said
NUM_FOR_DELAY = 8  # utterances that a codec's delay is measured on


@dataclass(frozen=True)
class Utterance:
    """One recording that every codec gets."""

    name: str
    speaker: str
    path: Path  # mono, at the rate at which all is scored
    seconds: float


def write_references(
    data: str,
    folder: Path,
    num_utterances: int,
    min_seconds: float,
    seed: int,
    sample_rate: int = SCORED_RATE,
    most_seconds: float = 0.0,
) -> list[Utterance]:
    """Draw utterances evenly over the speakers, and write each to the folder unless it is there.

    Of longer ones than most_seconds that much is taken around the middle of their energy; 0 takes all.

    Raises: ValueError when none is long enough, or the folder has them at another rate or length; AudioError for a
    sound that cannot be read.
    """
    directory = DataDir.load(data)
    sounds = {sound.utt_id: sound for sound in directory.sounds()}
    lengths = directory.utt2dur or {}
    speakers = {
        name: speaker
        for name, speaker in directory.utt2spk.items()
        if (lengths[name] if name in lengths else sounds[name].seconds()) >= min_seconds
    }
    if not speakers:
        raise ValueError(f"{data}: none of its {len(directory.utt2spk)} utterances lasts {min_seconds} s")
    folder.mkdir(parents=True, exist_ok=True)
    most = seconds_to_samples(most_seconds, sample_rate)
    utterances = []
    for name in sorted(balanced_subset(speakers, num_utterances or len(speakers), seed)):
        path = folder / f"{file_name(name)}.wav"
        if not path.exists():
            wave, own_rate = sounds[name].read()
            io.write(path, _middle(resample(wave.mean(0, keepdim=True), own_rate, sample_rate), most), sample_rate)
        with io.AudioReader(path) as reader:
            seconds = samples_to_seconds(reader.num_samples, reader.sample_rate)
            if reader.sample_rate != sample_rate or reader.num_samples > (most or reader.num_samples):
                raise ValueError(f"{path} is at {reader.sample_rate} Hz and {seconds:g} s long: name another folder")
        utterances.append(Utterance(name, speakers[name], path, seconds))
    return utterances


def _middle(wave: Tensor, num_samples: int) -> Tensor:
    """So many samples around the middle of the energy, which is not silent as the middle of the time may be."""
    if not 0 < num_samples < wave.shape[1]:
        return wave
    energy = wave[0].double().square().cumsum(0)
    middle = int(torch.searchsorted(energy, energy[-1] / 2))
    start = min(max(0, middle - num_samples // 2), wave.shape[1] - num_samples)
    return wave[:, start : start + num_samples]


def file_name(word: str) -> str:
    """A word as the name of a file or folder: what might mean something to a shell or a file system becomes a dash."""
    return re.sub(r"[^\w.+-]+", "-", word).strip("-")


@dataclass(frozen=True)
class Coded:
    """What a codec made of the utterances: bits over all, and by name the reason of each that failed."""

    payload_bits_per_second: float
    file_bits_per_second: float | None
    delays_samples: tuple[int, ...]
    failures: Mapping[str, str]


def code_all(
    word: str,
    codec: Codec,
    utterances: Sequence[Utterance],
    folder: Path,
    on_progress: Callable[[int], None] = lambda num_done: None,
) -> Coded:
    """Encode and decode what is not done yet, into FOLDER/wav, aligned with the references and of their lengths.

    Raises: ScoreFileError when the folder holds the work of another codec.
    """
    subject = {"codec": word, "name": codec.name, "identity": codec.identity, "sample_rate": codec.sample_rate}
    done = ScoreFile(folder / "coding.jsonl", subject)
    waves = folder / "wav"
    waves.mkdir(exist_ok=True)
    failures: dict[str, str] = {}
    delays: list[int] = []
    for number, utterance in enumerate(utterances, start=1):
        target = waves / utterance.path.name
        if utterance.name not in done.scores or not target.exists():
            try:
                delays = delays or _measure_delays(codec, utterances)
                wave, record = _code(codec, utterance, delays)
            except CodecError as error:
                failures[utterance.name] = str(error)
            else:
                io.write(target, wave, record.pop("sample_rate"))
                if utterance.name not in done.scores:
                    done.add({"utterance": utterance.name, **record})
        on_progress(number)
    return _summarise([done.scores[each.name] for each in utterances if each.name not in failures], failures)


def _code(codec: Codec, utterance: Utterance, delays: Sequence[int]) -> tuple[Tensor, dict[str, Any]]:
    original, sample_rate = io.read(utterance.path)
    wave = resample(original, sample_rate, codec.sample_rate)
    # So much silence behind it as its end needs to come out of the codec.
    wave = torch.nn.functional.pad(wave, (0, max(0, *delays)))
    encoded = codec.encode(wave)
    decoded = codec.decode(encoded)
    delay = delay_of(wave[0], decoded[0], codec.sample_rate, delays)
    result = resample(align(decoded, delay, wave.shape[1]), codec.sample_rate, sample_rate)
    return align(result, 0, original.shape[1]), {
        "sample_rate": sample_rate,
        "payload_bits": encoded.payload_bits,
        "file_bits": encoded.file_bits,
        "coded_seconds": samples_to_seconds(wave.shape[1], codec.sample_rate),
        "delay_samples": delay,
    }


def _measure_delays(codec: Codec, utterances: Sequence[Utterance]) -> list[int]:
    pairs = []
    for utterance in islice(utterances, 0, None, max(1, len(utterances) // NUM_FOR_DELAY)):
        wave = resample(*io.read(utterance.path), codec.sample_rate)
        with suppress(CodecError):  # which is told when its turn comes
            pairs.append((wave[0], codec.decode(codec.encode(wave))[0]))
    return measure_delays(pairs, codec.sample_rate) if pairs else [0]


def _summarise(records: Sequence[Mapping[str, Any]], failures: Mapping[str, str]) -> Coded:
    seconds = sum(record["coded_seconds"] for record in records) or 1.0
    sizes = [record["file_bits"] for record in records]
    return Coded(
        payload_bits_per_second=sum(record["payload_bits"] for record in records) / seconds,
        file_bits_per_second=None if None in sizes else sum(sizes) / seconds,
        delays_samples=tuple(record["delay_samples"] for record in records),
        failures=failures,
    )
