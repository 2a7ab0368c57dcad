"""The whole evaluation: what is not scored yet, then the tables and the sounds."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

import audiovq
from audiovq.metrics.choice import chosen_metrics, without_absent
from audiovq.metrics.score_file import ScoreFile
from audiovq.metrics.scoring import score_all
from audiovq.metrics.summary import Summary, markdown
from audiovq.pretrained import find, find_vocoder, folder_hash
from audiovq.report.evaluation import evaluation_report
from audiovq.system.files import remove_unfinished, write_atomically
from recipes.evaluate.config import EvaluateConfig
from recipes.evaluate.scorer import begin_scoring
from recipes.evaluate.sounds import keep_sounds, short_name
from recipes.evaluate.summarise import count_codes, summarise
from recipes.evaluate.utterances import read_utterances


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
        **({"most_seconds": config.most_seconds} if config.most_seconds else {}),
        **vocoder_subject(config),
    }
    folder = Path(config.output_dir)
    score_file = ScoreFile(folder / "scores.jsonl", subject)
    remove_unfinished(folder)
    missing = [utterance for utterance in chosen if utterance.name not in score_file.scores]
    print(f"{len(chosen)} utterances, {len(chosen) - len(missing)} of them scored before")
    done = score_all(partial(begin_scoring, config), missing, config.num_workers)
    for scores in track(done, "scoring", total=len(missing), console=Console(stderr=True)):
        score_file.add(scores)
    utterances = [score_file.scores[name] for name in sorted(utterance.name for utterance in chosen)]
    summary = summarise(subject, utterances, config.metrics)
    text = f"{introduce(config, summary)}\n\n{markdown(summary)}"
    content = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    for name, written in (("summary.json", content), ("RESULTS.md", text)):
        with write_atomically(folder / name) as file:
            file.write(written.encode())
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
