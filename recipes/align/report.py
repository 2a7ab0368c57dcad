"""What tells whether alignments are right."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from audiovq.data.speech_units import PAUSE, kind_of
from audiovq.data.symbol_tables import Aligned

_VOWELS = set("aeiouyɐɑɒæɔəɘɚɛɜɝɞɨɪɯɵøœɶʉʊʌʏɤᵻ")  # noqa: RUF001
_STOPS = set("pbtdkɡgqʔcɟʈɖ")  # noqa: RUF001

COLLAPSED = 0.5  # a share of sounds of one frame that no good alignment has


def class_of(symbol: str, at_edge: bool) -> str:
    """A kind of sound, or of pause."""
    if kind_of(symbol) == PAUSE:
        return "edge" if at_edge else "word boundary" if symbol.isspace() else "punctuation"
    base = unicodedata.normalize("NFD", symbol)[0]
    return "vowel" if base in _VOWELS else "stop" if base in _STOPS else "other sound"


def report(split: str, items: Sequence[Aligned], places: Iterable[Sequence[int]], ms: float, nats: float) -> str:
    """Figures of a split in a few lines. places: of the units among the symbols; ms: of a frame."""
    durations: dict[str, list[int]] = defaultdict(list)
    for item, own in zip(items, places, strict=True):
        for place in own:
            at_edge = place in (own[0], own[-1])
            durations[class_of(item.symbols[place], at_edge)].append(int(item.durations[place]))
    sounds = [frames for name in ("vowel", "stop", "other sound") for frames in durations[name]]
    shortest = sum(frames <= 1 for frames in sounds) / max(1, len(sounds))
    lines = [] if shortest <= COLLAPSED else [f"warning: {split}: hardly aligned: train longer, with more prior_steps"]
    lines += [f"{split}: {len(items)} utterances, {nats:.3f} nats per frame, {shortest:.1%} of sounds last one frame"]
    for name, frames in sorted(durations.items()):
        if frames:
            absent = sum(count == 0 for count in frames) / len(frames)
            lines.append(
                f"  {name:14} {ms * sum(frames) / len(frames):6.1f} ms  {absent:6.1%} last nothing  {len(frames)}"
            )
    return "\n".join(lines)
