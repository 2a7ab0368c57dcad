"""The training of one network that makes codes: its loss and its scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from audiovq.pretrained import codes_hash, find, load_model
from audiovq.priors.network import CodeNetwork
from audiovq.priors.scoring import bits_per_second, foreseen
from audiovq.system.distributed import all_reduce_sum
from audiovq.train.task import Validation
from recipes.train_prior.batches import In, Item, PriorBatch
from recipes.train_prior.prior_task import Prior, PriorTask


class CodesTask(PriorTask[Item, In, Prior]):
    """A network that foresees codes."""

    score_name = "bits_per_second"

    @abstractmethod
    def networks_of(self, prior: Prior) -> Sequence[CodeNetwork]:
        """All that a prior has."""

    def part(self, prior: Prior) -> CodeNetwork:
        """The network that makes the levels that this run trains."""
        wanted, networks = self.networks_of(self.prior)[0].config.covered, self.networks_of(prior)
        found = [network for network in networks if network.config.covered == wanted]
        if not found:
            made = [list(network.config.covered) for network in networks]
            raise ValueError(f"init_from={self.config.init_from} makes levels {made}, none makes {list(wanted)} alone")
        return found[0]

    def begin(self) -> None:
        tokenizer, card = load_model(find(self.config.tokenizer))
        name = f"{card.name}@{codes_hash(tokenizer)}"
        if name != self.corpus.layout.model:
            raise ValueError(
                f"tokenizer={self.config.tokenizer} is {name}, the codes are of {self.corpus.layout.model}"
            )
        tables = [
            table
            for quantizer in tokenizer.hierarchy.quantizers
            for table in code_latents(quantizer.decode, quantizer.num_codebooks, quantizer.codebook_size)
        ]
        self.part(self.prior).start_from_latents(tables)

    def weights(self) -> Mapping[str, float]:
        return {self._term(book): 1.0 for book in self.part(self.prior).made}

    def losses(self, batch: PriorBatch[In]) -> Mapping[str, Tensor]:
        """Nats a code: over all codes, asked for or not, so that the mean over a batch is that over its shares."""
        self.prior.train()
        levels = self.corpus.levels
        sums = self._foreseen(self.part(self.prior), batch)
        return {
            self._term(book): nats / max(1, batch.num_valid * levels.factors[levels.books[book][0]])
            for book, (nats, _) in sums.items()
        }

    def _foreseen(self, network: CodeNetwork, batch: PriorBatch[In]) -> dict[int, tuple[Tensor, Tensor]]:
        needed = batch.codes[: max(network.config.covered) + 1]
        return foreseen(network, batch.inputs, needed, batch.num_coarse, batch.seeds)

    def _term(self, book: int) -> str:
        level, k = self.corpus.levels.books[book]
        return f"level{level}" if k == 0 else f"level{level}_{k}"

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """Nats a code of every codebook, and bits a second of audio, on utterances that it has not seen."""
        network = self.part(self.averaged())
        sums = torch.zeros(len(network.made), 2, dtype=torch.float64, device=self.fabric.device)

        def look(batch: PriorBatch[In]) -> None:
            for row, (nats, number) in zip(sums, self._foreseen(network, batch).values(), strict=True):
                row += torch.stack([nats.double(), number.double()])

        if not self.look_at_valid(go_on, look):
            return None
        all_reduce_sum(sums)
        nats = dict(zip(network.made, (sums[:, 0] / sums[:, 1].clamp(min=1)).tolist(), strict=True))
        layout = self.corpus.layout
        bits = bits_per_second(nats, self.corpus.levels, Fraction(layout.sample_rate, layout.hop_lengths[0]))
        scalars = {f"nats_per_code/{self._term(book)}": value for book, value in nats.items()}
        scalars["bits_per_second"] = bits
        values = {name: round(value, 4) for name, value in scalars.items()}
        return Validation(bits, values, scalars, {}, {}, layout.sample_rate)


def code_latents(decode: Callable[[Tensor], Tensor], num_codebooks: int, codebook_size: int) -> list[Tensor]:
    """What each code of each codebook adds to the latent, up to a constant. Shape: -> K times (V, D)."""
    codes = torch.arange(codebook_size)
    tables = []
    with torch.inference_mode():
        for k in range(num_codebooks):
            one_at_a_time = torch.zeros(1, num_codebooks, codebook_size, dtype=torch.int64)
            one_at_a_time[0, k] = codes
            tables.append(decode(one_at_a_time)[0].T.clone())
    return tables
