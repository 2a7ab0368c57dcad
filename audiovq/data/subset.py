"""Smaller versions of a data set."""

import random
from collections.abc import Mapping
from itertools import zip_longest


def balanced_subset(utt2spk: Mapping[str, str], num_utterances: int, seed: int) -> list[str]:
    """So many random utterances, taken from the speakers in turn; a larger subset of the same seed contains it."""
    by_speaker: dict[str, list[str]] = {}
    for utterance, speaker in sorted(utt2spk.items()):
        by_speaker.setdefault(speaker, []).append(utterance)
    for speaker, utterances in by_speaker.items():
        random.Random(f"{seed} {speaker}").shuffle(utterances)
    turns = zip_longest(*by_speaker.values())
    return [utterance for turn in turns for utterance in turn if utterance is not None][:num_utterances]
