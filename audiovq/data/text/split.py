"""Which sentences are held out."""

import hashlib


def sentence_place(text: str, seed: int = 0) -> float:
    """A number from 0 to below 1 that depends on the letters and digits of the text alone.

    Where a share of such numbers is held out, no speaker of a training says a held-out sentence, and a new sentence
    moves no other one.
    """
    letters = "".join(character for character in text.casefold() if character.isalnum())
    return int.from_bytes(hashlib.sha256(f"{seed} {letters}".encode()).digest()[:7], "big") / 2**56
