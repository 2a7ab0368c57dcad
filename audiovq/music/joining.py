"""Where a piece goes on from a clip: of several ways, the one that is heard least as a seam."""

from __future__ import annotations

from collections.abc import Iterable

from audiovq.codes import Codes
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.seam import seam
from audiovq.tokenizer import Tokenizer
from audiovq.units import num_frames, samples_to_seconds, seconds_to_samples

LEAD_SECONDS = 1.0  # made several times; the half of it is what is compared
_CLIP_SECONDS = 8.0  # of the clip's end, which tell what is usual


def best_join(ways: Iterable[Codes], num_given: int, tokenizer: Tokenizer) -> Codes:
    """Of ways to go on from the same clip, of so many coarsest frames, the one that jumps least behind it.

    How likely the prior finds them says nothing about it.
    """
    return min(ways, key=lambda codes: excess_db(codes, num_given, tokenizer))


def excess_db(codes: Codes, num_given: int, tokenizer: Tokenizer) -> float:
    """By how much the jump after so many coarsest frames exceeds those before; 0 where none can be told."""
    hop = codes.hop_lengths[0]
    kept = min(num_given, num_frames(seconds_to_samples(_CLIP_SECONDS, codes.sample_rate), hop))
    end = codes.stretch(num_given - kept, codes.levels[0].shape[1] - num_given + kept)
    try:
        return seam(
            tokenizer.decode(end)[0], codes.sample_rate, samples_to_seconds(kept * hop, codes.sample_rate)
        ).excess_db
    except NotMeasurableError:
        return 0.0
