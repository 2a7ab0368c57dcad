"""The sounds of a few utterances, for a page to listen to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import audiovq
from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.metrics.score_file import ScoreFile
from audiovq.report import ORIGINAL, Clip
from audiovq.report.evaluation import prefix_name
from recipes.evaluate.config import EvaluateConfig
from recipes.evaluate.utterances import Utterance, read_codes


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
            wave, sample_rate = io.read(utterance.path, config.most_seconds)
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
