"""Score a model on a Kaldi data directory, at every prefix of its levels.

    python -m recipes.evaluate model=speech-16k data=data/test output_dir=exp/scores num_utterances=500
    python -m recipes.evaluate model=exp/my_run/model data=data/test output_dir=exp/scores cer=true num_workers=4

Writes scores.jsonl (a line for each utterance), summary.json and RESULTS.md into output_dir, and the sounds of a few
utterances with a report.json, of which `audiovq report` makes a page to listen to. The same command again goes on where
it stopped; with a larger num_utterances it adds to what is there.
"""

from __future__ import annotations

import base64
import json
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import hydra
import torch
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

import audiovq
from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.data.kaldi import DataDir
from audiovq.data.subset import balanced_subset
from audiovq.metrics.choice import chosen_metrics, without_absent
from audiovq.metrics.codebook import code_counts
from audiovq.metrics.log_mel import log_mel, log_mel_l1
from audiovq.metrics.recogniser import PACKAGED, Recogniser
from audiovq.metrics.registry import DECODER_MEL
from audiovq.metrics.score_file import ScoreFile, Scores
from audiovq.metrics.scoring import measure, score_all
from audiovq.metrics.summary import Summary, markdown, summarise_codebooks, summarise_errors, summarise_scores
from audiovq.metrics.text import cer, normalise
from audiovq.pretrained import find, folder_hash
from audiovq.report import ORIGINAL, Clip
from audiovq.report.evaluation import evaluation_report, prefix_name
from audiovq.vocoding import find_vocoder


@dataclass(kw_only=True)
class EvaluateConfig:
    """Settings of recipes/evaluate.py."""

    model: str = MISSING  # a bundled name, or a folder
    data: str = MISSING  # a Kaldi data directory
    output_dir: str = MISSING
    vocoder: str = ""  # a bundled name, a folder or "griffin-lim"; empty takes what audiovq.load takes
    num_utterances: int = 0  # so many, drawn evenly over the speakers; 0 takes all
    seed: int = 1
    num_clips: int = 6  # so many of them are kept as sounds, for `audiovq report`
    # STOI, ESTOI and PESQ are for speech only, and so are visqol and speaker_similarity, which take their time.
    metrics: list[str] = field(default_factory=lambda: ["log_mel_l1", "mel_distance", "stoi", "estoi", "pesq_wb"])
    cer: bool = False
    cer_languages: list[str] = field(default_factory=lambda: ["en", "fr", "it", "es", "ru"])
    recogniser: str = PACKAGED
    device: str = "cpu"
    num_workers: int = 1  # processes, each with num_threads
    num_threads: int = 1


@dataclass(frozen=True)
class Utterance:
    """One line of the data directory's tables."""

    name: str
    path: str
    speaker: str
    language: str
    text: str


class Scorer:
    """Encodes, decodes and measures one utterance after another."""

    def __init__(self, config: EvaluateConfig) -> None:
        torch.set_num_threads(config.num_threads)
        self._config = config
        self._tokenizer = audiovq.load(config.model, device=config.device, vocoder=config.vocoder or None)
        self._recogniser = Recogniser(config.recogniser, num_threads=config.num_threads) if config.cer else None

    def score(self, utterance: Utterance) -> Scores:
        """Everything there is to say about one utterance, as a line of the score file."""
        tokenizer = self._tokenizer
        wave, sample_rate = read_mono(utterance)
        reference = resample(wave, sample_rate, tokenizer.sample_rate)
        codes = tokenizer.encode(reference, sample_rate=tokenizer.sample_rate)
        decoded = [tokenizer.decode(codes, levels=levels) for levels in range(1, tokenizer.num_levels + 1)]
        scores: Scores = {
            "utterance": utterance.name,
            "speaker": utterance.speaker,
            "language": utterance.language,
            "seconds": wave.shape[1] / sample_rate,
            "codes": base64.b64encode(codes.to_bytes()).decode(),
            "prefixes": [],
            "not_measurable": [],
        }
        for levels, result in enumerate(decoded, start=1):
            values, reasons = measure(self._config.metrics, reference[0], result[0], tokenizer.sample_rate)
            if tokenizer.model.config.head == "mel":
                mel = tokenizer.decode_mel(codes, levels=levels)[0]
                values = {DECODER_MEL: log_mel_l1(log_mel(reference[0], tokenizer.model.config.mel), mel)} | values
            scores["prefixes"].append(values)
            scores["not_measurable"].append(reasons)
        return scores | self._listen(utterance, [reference, *decoded])

    def _listen(self, utterance: Utterance, waves: Sequence[torch.Tensor]) -> Scores:
        if self._recogniser is None:
            return {}
        if utterance.language not in self._config.cer_languages:
            return {"not_heard": "of a language that is not in cer_languages"}
        if not normalise(utterance.text):
            return {"not_heard": "no text to compare with"}
        heard = [
            self._recogniser.transcribe(wave[0], self._tokenizer.sample_rate, utterance.language) for wave in waves
        ]
        errors = [cer(utterance.text, text) for text in heard]
        return {
            "text": utterance.text,
            "heard": heard,
            "num_characters": errors[0].num_reference,
            "character_errors": [each.num_errors for each in errors],
        }


def read_utterances(config: EvaluateConfig) -> list[Utterance]:
    """The chosen lines of the data directory, with empty texts and languages where it has none."""
    data = DataDir.load(config.data)
    texts, languages = data.text or {}, data.utt2lang or {}
    return [
        Utterance(name, data.wav_scp[name], data.utt2spk[name], languages.get(name, ""), texts.get(name, ""))
        for name in balanced_subset(data.utt2spk, config.num_utterances or len(data.utt2spk), config.seed)
    ]


def read_mono(utterance: Utterance) -> tuple[torch.Tensor, int]:
    """The recording (1, T) and its sample rate. Raises: ValueError when it has several channels."""
    wave, sample_rate = io.read(utterance.path)
    if len(wave) != 1:
        raise ValueError(f"{utterance.path}: expected a mono recording, got {len(wave)} channels")
    return wave, sample_rate


def begin_scoring(config: EvaluateConfig) -> Callable[[Utterance], Scores]:
    """What scores one utterance after another, in one process."""
    return Scorer(config).score


def summarise(subject: dict[str, Any], utterances: Sequence[Scores], metrics: Sequence[str]) -> Summary:
    """Everything the tables show."""
    codes, counts = read_codes(utterances[0]), count_codes(utterances)
    summary = summarise_scores(utterances, [DECODER_MEL, *metrics])
    for prefix in summary["prefixes"]:
        prefix["bits_per_second"] = codes.prefix(prefix["levels"]).bits_per_second
    return {
        "subject": subject,
        "num_utterances": len(utterances),
        "num_speakers": len({scores["speaker"] for scores in utterances}),
        "seconds": sum(scores["seconds"] for scores in utterances),
        **summary,
        **summarise_errors(utterances),
        "codebooks": summarise_codebooks(counts, [float(rate) for rate in codes.frame_rates]),
    }


def read_codes(scores: Scores) -> audiovq.Codes:
    """The codes that a line of the score file keeps."""
    return audiovq.Codes.from_bytes(base64.b64decode(scores["codes"]))


def count_codes(utterances: Sequence[Scores]) -> list[torch.Tensor]:
    """How often each entry occurs in all of them, level by level.

    Shape: (K_l, V_l), one for each level
    """
    codes = [read_codes(scores) for scores in utterances]
    return [
        torch.stack([code_counts(each.levels[level], size) for each in codes]).sum(0)
        for level, size in enumerate(codes[0].codebook_sizes)
    ]


def keep_sounds(config: EvaluateConfig, utterances: Sequence[Utterance], score_file: ScoreFile) -> list[Clip]:
    """Write the original and every prefix of the first utterances, where they are not there yet."""
    folder, model = Path(config.output_dir), short_name(config.model)
    tokenizer = audiovq.load(config.model, device=config.device, vocoder=config.vocoder or None)
    clips = []
    for utterance in utterances[: config.num_clips]:
        name = f"{quote(utterance.name, safe='')}.flac"
        files = {levels: f"sounds/levels-{levels}/{name}" for levels in range(1, tokenizer.num_levels + 1)}
        original = f"sounds/{ORIGINAL}/{name}"
        for path in (original, *files.values()):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / original).exists():
            wave, sample_rate = read_mono(utterance)
            io.write(folder / original, resample(wave, sample_rate, tokenizer.sample_rate), tokenizer.sample_rate)
        codes = read_codes(score_file.scores[utterance.name])
        for levels, path in files.items():
            if not (folder / path).exists():
                io.write(folder / path, tokenizer.decode(codes, levels=levels), tokenizer.sample_rate)
        named = {prefix_name(model, levels): path for levels, path in files.items()}
        clips.append(Clip(id=utterance.name, original=original, text=utterance.text, files=named))
    return clips


def short_name(model: str) -> str:
    """A bundled model's name, or that of the run which a folder belongs to."""
    path = Path(model)
    return path.parent.name if path.name == "model" and path.parent.name else path.name


def evaluate(config: EvaluateConfig) -> str:
    """Score what is not scored yet, write summary.json, RESULTS.md and report.json, and return the second."""
    metrics, absent = without_absent(chosen_metrics(config.metrics))
    for name, reason in absent.items():
        print(f"leaving out {name}: {reason}", file=sys.stderr)
    config = replace(config, metrics=metrics)
    chosen = read_utterances(config)
    subject = {
        "model": config.model,
        "sha256": model_hash(config.model),
        "data": config.data,
        "metrics": config.metrics,
        "recogniser": config.recogniser if config.cer else None,
        "cer_languages": config.cer_languages if config.cer else None,
        **vocoder_subject(config),
    }
    folder = Path(config.output_dir)
    score_file = ScoreFile(folder / "scores.jsonl", subject)
    missing = [utterance for utterance in chosen if utterance.name not in score_file.scores]
    print(f"{len(chosen)} utterances, {len(chosen) - len(missing)} of them scored before")
    done = score_all(partial(begin_scoring, config), missing, config.num_workers)
    for scores in track(done, "scoring", total=len(missing), console=Console(stderr=True)):
        score_file.add(scores)
    utterances = [score_file.scores[name] for name in sorted(utterance.name for utterance in chosen)]
    summary = summarise(subject, utterances, config.metrics)
    text = f"{introduce(config, summary)}\n\n{markdown(summary)}"
    (folder / "summary.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")
    clips, note = keep_sounds(config, chosen, score_file), introduce(config, summary)
    evaluation_report(short_name(config.model), note, summary, count_codes(utterances), clips).save(folder)
    return text


def introduce(config: EvaluateConfig, summary: Summary) -> str:
    """What the tables are about and the command that makes them."""
    changed = {name: value for name, value in asdict(config).items() if value != getattr(EvaluateConfig(), name)}
    values = {name: f"[{','.join(value)}]" if isinstance(value, list) else value for name, value in changed.items()}
    settings = [shlex.quote(f"{name}={value}") for name, value in values.items()]
    subject = summary["subject"]
    vocoder = f" with vocoder {subject['vocoder']} ({subject['vocoder_sha256'][:12]})" if "vocoder" in subject else ""
    return (
        f"Model {config.model} (SHA-256 {subject['sha256'][:12]}){vocoder} on {config.data}: "
        f"{summary['num_utterances']} utterances of {summary['num_speakers']} speakers, "
        f"{summary['seconds'] / 60:.1f} minutes. Means with 95 % bootstrap intervals over utterances.\n\n"
        f"    python -m recipes.evaluate {' '.join(settings)}"
    )


def vocoder_subject(config: EvaluateConfig) -> dict[str, str]:
    """The vocoder and its SHA-256; empty for Griffin-Lim, or when the model makes its sound itself."""
    tokenizer = audiovq.load(config.model, device=config.device, vocoder=config.vocoder or None)
    folder = find_vocoder(tokenizer.model.config, config.vocoder or None)
    if folder is None:
        return {}
    return {"vocoder": config.vocoder or folder.name, "vocoder_sha256": folder_hash(folder)}


def model_hash(model: str) -> str:
    """SHA-256 of the whole model: of the decoder too, which the hash in codes leaves out."""
    return folder_hash(find(model))


ConfigStore.instance().store(name="base_evaluate", node=EvaluateConfig)


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate")
def main(config: DictConfig) -> None:
    """Parse the command line."""
    logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it reports every utterance
    try:
        text = evaluate(cast(EvaluateConfig, OmegaConf.to_object(config)))
    # What the data, the model, the settings or a missing extra are to blame for says so itself.
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"evaluate: {error}")
    Console().print(Markdown(text))


if __name__ == "__main__":
    main()
