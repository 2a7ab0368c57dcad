"""Music from a prior: what is missing of a draft, window by window, and sound."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor

from audiovq.audio.pitch_classes import KEYS
from audiovq.codes import Codes
from audiovq.music.drafts import Draft, Drafter
from audiovq.music.joining import LEAD_SECONDS, best_join
from audiovq.music.unfinished import Unfinished
from audiovq.pretrained import MUSIC_PRIOR, ModelError, check_prior, find, load_music_prior, weights_hash
from audiovq.priors.music import MusicPrior, Window
from audiovq.priors.sampling import ItemRandom, Sampling
from audiovq.tokenizer import Tokenizer, load
from audiovq.units import num_frames, seconds_to_samples

USUAL = Sampling(temperature=1.0, fine_temperature=1.0, top_p=1.0, guidance=3.0, candidates=16)
_SEAM = "seam"  # a clip and the first second after it: the name of its part, and of its random numbers


def load_composer(
    name_or_folder: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str] | None = None,
    vocoder: str | os.PathLike[str] | None = None,
) -> Composer:
    """A bundled music prior by its name, or a folder with one.

    ``tokenizer`` is needed when the prior's own is not a bundled one; ``vocoder`` is as in ``audiovq.load``.

    Raises: ModelError when there is no such model, or they do not fit together.
    """
    prior, card = load_music_prior(find(name_or_folder, MUSIC_PRIOR))
    own = prior.config.tokenizer.rpartition("@")[0]
    return Composer(prior, card.name, load(tokenizer or own, vocoder=vocoder))


class Composer(Drafter):
    """Makes music of any length in the codes of a tokenizer, as memory has room for its codes: 3 kB a second."""

    def __init__(self, prior: MusicPrior, name: str, tokenizer: Tokenizer) -> None:
        check_prior(name, prior.config, tokenizer.model_id)
        super().__init__(tokenizer)
        self.prior, self.name = prior.eval(), name

    @property
    def labels(self) -> list[str]:
        """What a piece may be labelled with."""
        return self.prior.config.labels

    def compose(
        self,
        draft: Draft,
        labels: Sequence[str] = (),
        sampling: Sampling | None = None,
        folder: Path | None = None,
        restart: bool = False,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Codes:
        """Make what is missing of a draft, window by window; the same seed makes the same codes.

        It is told what ``told`` says. The first second after a clip is made ``sampling.candidates`` times, and that
        kept which joins it best. Every window is saved in ``folder``, if there is one, as soon as it is made, and is
        not made again by the same call with the same folder; ``restart`` forgets what is there. ``report`` hears how
        many positions of how many are done.

        Raises: ModelError for an unknown label; UnfinishedError when the folder holds another piece.
        """
        sampling = sampling or USUAL
        labels = self.told(draft, labels, sampling.seed)
        numbers = [self.labels.index(label) for label in labels]
        levels = [level.clone() for level in draft.levels]
        saved = None if folder is None else Unfinished(folder, self._request(draft, labels, sampling), restart)
        if draft.num_given and sampling.candidates > 1:
            self._go_on(levels, draft.num_given, numbers, sampling, saved)
        windows = self.prior.plan(levels)
        total = sum(self._size(window) for window in windows)
        done = 0
        for window in windows:
            report(done, total)
            done += self._size(window)
            name = f"level{self._covered(window)[0]}-{window.start:08d}"
            made = None if saved is None else saved.load(name)
            if made is None:
                made = self.prior.make(window, levels, numbers, sampling)
                if saved is not None:
                    saved.save(name, made)
            self._put(made, levels, self._covered(window), window.start)
        report(total, total)
        return self.codes(tuple(levels), draft.num_samples)

    def told(self, draft: Draft, labels: Sequence[str] = (), seed: int = 0) -> list[str]:
        """The labels that a piece is told: for new music that names no key, or no tempo to count beats by, also one.

        The seed draws it, of those that the prior has. Raises: ModelError for an unknown label.
        """
        if unknown := sorted(set(labels) - set(self.labels)):
            raise ModelError(
                f"{self.name} has no label {', '.join(map(repr, unknown))}; it has {', '.join(self.labels) or 'none'}"
            )
        if not draft.is_blank:
            return list(labels)
        drawn = list(labels)
        tempos = {self.labels[number] for number in self.prior.tempos}
        for what, wanted in (("tempo", tempos), ("key", set(KEYS))):
            known = [label for label in self.labels if label in wanted]
            if known and not set(labels) & wanted:
                drawn.append(known[int(ItemRandom(seed, what).uniform() * len(known))])
        return drawn

    def sound(self, draft: Draft, labels: Sequence[str] = (), sampling: Sampling | None = None) -> Tensor:
        """The whole sound of a piece. Shape: (1, T)."""
        return self.tokenizer.decode(self.compose(draft, labels, sampling))

    def _go_on(
        self, levels: list[Tensor], num_given: int, labels: Sequence[int], sampling: Sampling, saved: Unfinished | None
    ) -> None:
        """Make the first second after a clip, of several ways that which joins it best."""
        made = None if saved is None else saved.load(_SEAM)
        if made is None:
            ways = self._ways(levels, num_given, labels, sampling)
            made = list(best_join(ways, num_given, self.tokenizer).levels)
            if saved is not None:
                saved.save(_SEAM, made)
        self._put(made, levels, range(len(levels)), 0)

    def _ways(
        self, levels: Sequence[Tensor], num_given: int, labels: Sequence[int], sampling: Sampling
    ) -> Iterator[Codes]:
        """The clip with the first second after it, made in one way after the other."""
        hop, num_coarse = self.tokenizer.hop_lengths[0], levels[0].shape[1]
        end = min(num_given + num_frames(seconds_to_samples(LEAD_SECONDS, self.sample_rate), hop), num_coarse)
        for number in range(sampling.candidates):
            own = replace(sampling, seed=int(ItemRandom(sampling.seed, _SEAM, number).uniform() * 2**53))
            trial = [level.clone() for level in levels]
            for window in self.prior.plan(trial, end):
                self._put(self.prior.make(window, trial, labels, own), trial, self._covered(window), window.start)
            cut = tuple(level[:, : end * (level.shape[1] // num_coarse)] for level in trial)
            yield self.codes(cut, end * hop)

    def _covered(self, window: Window) -> Sequence[int]:
        return self.prior.networks[window.network].config.covered

    @staticmethod
    def _put(made: Sequence[Tensor], levels: Sequence[Tensor], covered: Sequence[int], start: int) -> None:
        """Write codes into levels of a piece, from a coarsest frame on."""
        for level, codes in zip(covered, made, strict=True):
            first = start * (levels[level].shape[1] // levels[0].shape[1])
            levels[level][:, first : first + codes.shape[1]] = codes

    def _size(self, window: Window) -> int:
        network = self.prior.networks[window.network].config
        return (window.end - window.start) * sum(network.codes.factors[level] for level in network.covered)

    def _request(self, draft: Draft, labels: list[str], sampling: Sampling) -> dict[str, object]:
        return {
            "prior": weights_hash(self.prior, self.prior.config),
            "draft": hashlib.sha256(
                b"".join(bytes(level.contiguous().numpy().data) for level in draft.levels)
            ).hexdigest(),
            "num_samples": draft.num_samples,
            "labels": labels,
            "sampling": asdict(sampling),
        }
