"""Score vocoders beside Griffin-Lim on the same utterances, from true log-mels and from those that tokenizers decode.

    python -m recipes.evaluate_vocoder vocoders=[exp/my_vocoder/model] data=data/test output_dir=exp/scores
    python -m recipes.evaluate_vocoder vocoders=[my_music] tokenizers=[music-32k] data=data/test output_dir=exp/scores \
        most_seconds=10 metrics=[mel_distance,visqol_audio]
    python -m recipes.evaluate_vocoder vocoders=[a,b] tokenizers=[speech-16k] data=data/test output_dir=exp/scores \
        num_utterances=240 num_workers=4

Writes scores.jsonl (a line for each utterance), summary.json and RESULTS.md into output_dir. The same command again
goes on where it stopped; with a larger num_utterances it adds to what is there.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import hydra
import torch
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track
from torch import Tensor

import audiovq
from audiovq.audio import io
from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.audio.mel import LogMelConfig
from audiovq.audio.resample import resample
from audiovq.data.kaldi import DataDir
from audiovq.data.subset import balanced_subset
from audiovq.metrics.choice import chosen_metrics, without_absent
from audiovq.metrics.interval import bootstrap_mean
from audiovq.metrics.log_mel import log_mel
from audiovq.metrics.registry import COLUMNS
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import measure, score_all
from audiovq.metrics.summary import Summary, cell, table
from audiovq.models.vocoding import MelInverter, VocoderStream, vocode
from audiovq.pretrained import GRIFFIN_LIM, VOCODER, check_fits, find, folder_hash, load_vocoder, read_vocoder_card
from audiovq.system.files import write_atomically

TRUE_MELS = "true log-mels"


@dataclass(kw_only=True)
class EvaluateVocoderConfig:
    """Settings of recipes/evaluate_vocoder.py."""

    vocoders: list[str] = MISSING  # bundled names or folders; Griffin-Lim is always there
    tokenizers: list[str] = field(default_factory=lambda: ["speech-16k", "speech-16k-hq"])  # all their levels are read
    data: str = MISSING  # a Kaldi data directory
    output_dir: str = MISSING
    num_utterances: int = 0  # so many, drawn evenly over the speakers; 0 takes all
    seed: int = 1  # of that draw: the one of recipes.evaluate
    most_seconds: float = 0.0  # of each, from its beginning; 0 takes all
    metrics: list[str] = field(default_factory=lambda: ["log_mel_l1", "mel_distance", "stoi", "pesq_wb"])
    num_workers: int = 1  # processes, each with num_threads
    num_threads: int = 1

    def __post_init__(self) -> None:
        if self.most_seconds < 0:
            raise ValueError(f"most_seconds is {self.most_seconds}, expected 0 or more")

    @property
    def makers(self) -> list[str]:
        """What makes sound, that against which the others are held first."""
        return [GRIFFIN_LIM, *self.vocoders]


class Scorer:
    """Makes sound in every way, and measures it, of one utterance after another."""

    def __init__(self, config: EvaluateVocoderConfig) -> None:
        torch.set_num_threads(config.num_threads)
        self._metrics, self._most_seconds = config.metrics, config.most_seconds
        self._mel = mel_of(config.vocoders)
        self._begin = {name: _inverter(name, self._mel) for name in config.makers}
        self._tokenizers = {
            tokenizer: [audiovq.load(tokenizer, vocoder=name) for name in config.makers]
            for tokenizer in config.tokenizers
        }

    def score(self, utterance: tuple[str, str]) -> Scores:
        """The scores of an utterance, given by name and path: for each source of mels those of each maker of sound."""
        name, path = utterance
        wave, sample_rate = io.read(path, self._most_seconds)
        if len(wave) != 1:
            raise ValueError(f"{path}: expected a mono recording, got {len(wave)} channels")
        rate = self._mel.sample_rate
        reference = resample(wave, sample_rate, rate)
        mel = log_mel(reference[0], self._mel)
        sounds = {TRUE_MELS: [self._sound(mel, begin)[: reference.shape[1]] for begin in self._begin.values()]}
        for tokenizer, with_vocoders in self._tokenizers.items():
            codes = with_vocoders[0].encode(reference, sample_rate=rate)
            sounds[tokenizer] = [each.decode(codes)[0] for each in with_vocoders]
        measured = {
            source: [measure(self._metrics, reference[0], made, rate) for made in each]
            for source, each in sounds.items()
        }
        return {"utterance": name, "seconds": wave.shape[1] / sample_rate, "sources": measured}

    def _sound(self, mel: Tensor, begin: Callable[[], MelInverter]) -> Tensor:
        return torch.cat(list(vocode([mel[None]], begin)), dim=1)[0]


def begin_scoring(config: EvaluateVocoderConfig) -> Callable[[tuple[str, str]], Scores]:
    """What scores one utterance after another, in one process."""
    return Scorer(config).score


def mel_of(vocoders: Sequence[str]) -> LogMelConfig:
    """The log-mels that all of them read. Raises: ModelError when they differ, or one of them is not there."""
    cards = [read_vocoder_card(find(name, VOCODER)) for name in vocoders]
    first = cards[0].config.mel if cards else LogMelConfig()
    for name, card in zip(vocoders, cards, strict=True):
        check_fits(name, card.config.mel, vocoders[0], first)
    return first


def _inverter(vocoder: str, mel: LogMelConfig) -> Callable[[], MelInverter]:
    if vocoder == GRIFFIN_LIM:
        return lambda: MelGriffinLim(mel)
    network = load_vocoder(find(vocoder, VOCODER))[0].eval()
    return lambda: VocoderStream(network)


def summarise(utterances: Sequence[Scores], makers: Sequence[str], metrics: Sequence[str]) -> list[Summary]:
    """A row for each source of mels and maker of sound: means, and how far they are from those of the first maker."""
    rows = []
    for source in utterances[0]["sources"]:
        columns = [[scores["sources"][source][number][0] for scores in utterances] for number in range(len(makers))]
        for maker, column in zip(makers, columns, strict=True):
            pairs = list(zip(columns[0], column, strict=True))
            scores = {name: _mean([own[name] for own in column if name in own]) for name in metrics}
            gains = {
                name: _mean([own[name] - first[name] for first, own in pairs if name in first and name in own])
                for name in metrics
            }
            rows.append({"source": source, "maker": maker, "scores": scores, "gains": gains})
    return rows


def _mean(values: Sequence[float]) -> dict[str, float] | None:
    return asdict(bootstrap_mean(values)) if values else None


def not_measurable(utterances: Sequence[Scores]) -> Counter[tuple[str, str]]:
    """Metric and reason, with the number of utterances that have no value anywhere or somewhere for it."""
    counted: Counter[tuple[str, str]] = Counter()
    for scores in utterances:
        counted.update({each for made in scores["sources"].values() for _, reasons in made for each in reasons.items()})
    return counted


def markdown(summary: Summary) -> str:
    """The scores of all, and what each gains on Griffin-Lim."""
    metrics = summary["subject"]["metrics"]

    def row(each: Summary, what: str) -> list[str]:
        return [each["source"], each["maker"], *(cell(each[what][name], summary["num_utterances"]) for name in metrics)]

    scores = [row(each, "scores") for each in summary["rows"]]
    gains = [row(each, "gains") for each in summary["rows"] if each["maker"] != GRIFFIN_LIM]
    headings = [COLUMNS[name].heading for name in metrics]
    parts = [table(["log-mels", "to sound", *headings], scores)]
    if gains:
        parts.append("What each gains on Griffin-Lim, by differences of the same utterances:")
        parts.append(table(["log-mels", "to sound", *headings], gains))
    reasons = [
        f"- {COLUMNS[each['metric']].title} has no value for {each['count']} utterance(s): {each['reason']}"
        for each in summary["not_measurable"]
    ]
    return "\n\n".join([*parts, "\n".join(reasons)]).rstrip() + "\n"


def evaluate(config: EvaluateVocoderConfig) -> str:
    """Score what is not scored yet, write summary.json and RESULTS.md, and return the latter."""
    metrics, absent = without_absent(chosen_metrics(config.metrics))
    for name, reason in absent.items():
        print(f"leaving out {name}: {reason}", file=sys.stderr)
    measured = replace(config, metrics=metrics)
    mel_of(config.vocoders)  # complains before anything is written
    subject: dict[str, Any] = {
        "vocoders": {name: folder_hash(find(name, VOCODER)) for name in config.vocoders},
        "tokenizers": {name: folder_hash(find(name)) for name in config.tokenizers},
        "data": config.data,
        "metrics": metrics,
        **({"most_seconds": config.most_seconds} if config.most_seconds else {}),
    }
    data = DataDir.load(config.data)
    chosen = balanced_subset(data.utt2spk, config.num_utterances or len(data.utt2spk), config.seed)
    folder = Path(config.output_dir)
    score_file = ScoreFile(folder / "scores.jsonl", subject)
    missing = [(name, data.wav_scp[name]) for name in chosen if name not in score_file.scores]
    print(f"{len(chosen)} utterances, {len(chosen) - len(missing)} of them scored before")
    done = score_all(partial(begin_scoring, measured), missing, config.num_workers)
    for scores in track(done, "scoring", total=len(missing), console=Console(stderr=True)):
        score_file.add(json.loads(json.dumps(scores)))  # as it will be read back: tuples become lists
    utterances = [score_file.scores[name] for name in sorted(chosen)]
    summary = {
        "subject": subject,
        "num_utterances": len(utterances),
        "num_speakers": len({data.utt2spk[name] for name in chosen}),
        "seconds": sum(scores["seconds"] for scores in utterances),
        "rows": summarise(utterances, config.makers, metrics),
        "not_measurable": [
            {"metric": metric, "reason": reason, "count": count}
            for (metric, reason), count in sorted(not_measurable(utterances).items())
        ],
    }
    text = describe(config, summary)
    for name, content in (("summary.json", json.dumps(summary, indent=2) + "\n"), ("RESULTS.md", text)):
        with write_atomically(folder / name) as file:
            file.write(content.encode())
    return text


def describe(config: EvaluateVocoderConfig, summary: Summary) -> str:
    """The tables below what they are about and the command that makes them."""
    usual = asdict(EvaluateVocoderConfig(vocoders=[]))
    changed = {name: value for name, value in asdict(config).items() if value != usual[name]}
    values = {name: f"[{','.join(value)}]" if isinstance(value, list) else value for name, value in changed.items()}
    hashes = summary["subject"]["vocoders"] | summary["subject"]["tokenizers"]
    return (
        f"{', '.join(f'{name} (SHA-256 {digest[:12]})' for name, digest in hashes.items())} on {config.data}: "
        f"{summary['num_utterances']} utterances of {summary['num_speakers']} speakers, "
        f"{summary['seconds'] / 60:.1f} minutes. Means with 95 % bootstrap intervals over utterances.\n\n"
        f"    python -m recipes.evaluate_vocoder "
        f"{' '.join(shlex.quote(f'{name}={value}') for name, value in values.items())}\n\n{markdown(summary)}"
    )


ConfigStore.instance().store(name="base_evaluate_vocoder", node=EvaluateVocoderConfig)


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate_vocoder")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    try:
        text = evaluate(cast(EvaluateVocoderConfig, OmegaConf.to_object(config)))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"evaluate_vocoder: {error}")
    Console().print(Markdown(text))


if __name__ == "__main__":
    main()
