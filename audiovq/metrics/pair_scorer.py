"""Everything there is to say about one pair of sound files, as a line of a score file."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audiovq.audio import io
from audiovq.audio.resample import resample
from audiovq.metrics.align import estimate_delay, fit
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.pairs import Pair
from audiovq.metrics.recogniser import PACKAGED, Recogniser
from audiovq.metrics.registry import METRICS
from audiovq.metrics.score_file import Scores
from audiovq.metrics.scoring import measure
from audiovq.metrics.text import TEXT_METRICS
from audiovq.units import samples_to_seconds


@dataclass(frozen=True)
class Settings:
    """How pairs are made comparable.

    align: undo each result's delay first. sample_rate: what both are resampled to; None: the reference's. Scores
    that work at one rate of their own resample to it.
    """

    align: bool = False
    sample_rate: int | None = None
    recogniser: str = PACKAGED


@dataclass(frozen=True)
class Work:
    """A pair, the scores that it lacks, and the line that it has; `files` tell whether that is still true of them."""

    pair: Pair
    metrics: tuple[str, ...]
    files: list[list[int]]
    before: Scores | None = None


class PairScorer:
    """Reads, aligns and measures one pair after another."""

    def __init__(self, settings: Settings, metrics: Sequence[str]) -> None:
        torch.set_num_threads(1)
        self._settings = settings
        listens = any(name in TEXT_METRICS for name in metrics)
        self._recogniser = Recogniser(settings.recogniser) if listens else None

    def __call__(self, work: Work) -> Scores:
        """A line of the score file; or, under "failed", why there is none."""
        try:
            return self._score(work)
        except (io.AudioError, OSError, MemoryError) as error:
            reason = str(error) or "there is not enough memory for it"
        except Exception as error:  # of one of many packages: the traceback is wanted, but so are the other pairs
            traceback.print_exc()
            reason = f"stopped by {error!r}"
        return {"utterance": work.pair.name, "failed": reason}

    def _score(self, work: Work) -> Scores:
        pair = work.pair
        (reference, rate), (result, result_rate) = io.read(pair.reference), io.read(pair.result)
        notes = [
            f"{name} mixed to mono" for name, wave in (("reference", reference), ("result", result)) if len(wave) > 1
        ]
        notes += [] if result_rate == rate else ["result resampled"]
        sample_rate = self._settings.sample_rate or rate
        first = resample(reference.mean(0, keepdim=True), rate, sample_rate)[0]
        second = resample(result.mean(0, keepdim=True), result_rate, sample_rate)[0]
        fitted = fit(first, second, estimate_delay(first, second, sample_rate) if self._settings.align else 0)
        names = [name for name in work.metrics if name in METRICS]
        values, reasons = measure(
            [name for name in names if not (METRICS[name].warps or METRICS[name].stereo)],
            fitted.reference,
            fitted.result,
            sample_rate,
        )
        # What warps time itself is given all of both.
        warped, warped_reasons = measure([name for name in names if METRICS[name].warps], first, second, sample_rate)
        if stereo := [name for name in names if METRICS[name].stereo]:
            waves = resample(reference, rate, sample_rate), resample(result, result_rate, sample_rate)
            if len(waves[0]) == len(waves[1]):
                fits = [fit(*channels, delay_samples=fitted.delay_samples) for channels in zip(*waves, strict=True)]
                waves = torch.stack([each.reference for each in fits]), torch.stack([each.result for each in fits])
            of_both, why_not = measure(stereo, waves[0], waves[1], sample_rate)
            values, reasons = values | of_both, reasons | why_not
        scores: Scores = {
            "utterance": pair.name,
            "files": work.files,
            "seconds": samples_to_seconds(reference.shape[1], rate),
            "sample_rate": sample_rate,
            "delay_samples": fitted.delay_samples,
            "length_difference_samples": len(second) - len(first),
            "notes": [*notes, *fitted.notes],
            "scores": values | warped,
            "not_measurable": reasons | warped_reasons,
        }
        if asked := [name for name in work.metrics if name in TEXT_METRICS]:
            self._listen(pair, asked, scores, fitted.reference, fitted.result)
        return _merged(work.before, scores)

    def _listen(self, pair: Pair, names: Sequence[str], scores: Scores, reference: Tensor, result: Tensor) -> None:
        """Add the error rates, of the reference too: the recogniser makes errors of its own."""
        assert self._recogniser is not None
        heard = [
            self._recogniser.transcribe(wave, scores["sample_rate"], pair.language) for wave in (reference, result)
        ]
        scores |= {"given_text": pair.text, "language": pair.language, "heard": heard, "errors": {}}
        text = heard[0] if pair.text is None else pair.text
        for name in names:
            try:
                errors = [TEXT_METRICS[name](text, each) for each in heard]
            except NotMeasurableError as error:
                scores["not_measurable"][name] = str(error)
                continue
            scores["scores"][name] = round(errors[1].rate, 9)
            scores["errors"][name] = {
                "num_reference": errors[0].num_reference,
                "of_reference": errors[0].num_errors,
                "of_result": errors[1].num_errors,
            }


def _merged(before: Scores | None, after: Scores) -> Scores:
    if before is None:
        return after
    both = before | after
    for key in ("scores", "not_measurable", "errors"):
        if key in both:
            both[key] = before.get(key, {}) | after.get(key, {})
    return both
