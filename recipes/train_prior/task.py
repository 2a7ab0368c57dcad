"""The training of one network of a prior: its data, its loss and its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from audiovq.pretrained import codes_hash, find, load_model, load_prior, save_prior
from audiovq.priors.condition import ConditionConfig
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import ItemRandom
from audiovq.priors.scoring import bits_per_second, foreseen
from audiovq.priors.speech import Speaker, SpeechPrior, SpeechPriorConfig
from audiovq.processes import all_reduce_sum, rank, world_size
from audiovq.train.preemption import ignore_stop_requests
from audiovq.train.rounds import in_rounds
from audiovq.train.task import Task, Trained, Validation
from recipes.schema import TrainPriorConfig
from recipes.train_prior.corpus import Corpus, PriorBatch, Utterance, pack


class PriorTask(Task[Utterance, PriorBatch]):
    """A network that foresees codes, and utterances to learn it from."""

    def __init__(self, config: TrainPriorConfig, fabric: Fabric) -> None:
        self.config, self.fabric = config, fabric
        torch.manual_seed(config.seed)
        self.corpus = Corpus(config.data)
        self.form = prior_config(config, self.corpus)
        self.prior, self.average = (SpeechPrior(self.form).to(fabric.device) for _ in range(2))
        self.network, self.levels = self.prior.networks[0], self.corpus.levels
        self._begin()
        self.networks = {"prior": Trained(self.prior, config.optim, config.total_steps)}

    def _begin(self) -> None:
        if self.config.init_from:
            source, _ = load_prior(find(self.config.init_from))
            fitting = {
                name: value
                for name, value in source.state_dict().items()
                if name in (own := self.prior.state_dict()) and own[name].shape == value.shape
            }
            self.prior.load_state_dict(fitting, strict=False)
            print(f"init_from={self.config.init_from}: {len(fitting)} of {len(self.prior.state_dict())} tensors fit")
            return
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
        self.network.start_from_latents(tables)

    # -- data ----------------------------------------------------------------------------------------------------

    def epoch_batches(self, epoch: int) -> Sequence[Sequence[Utterance]]:
        return self.corpus.batches(self.config.seed, epoch)

    def load(self, shares: Sequence[Sequence[Utterance]], epoch: int) -> Iterable[PriorBatch]:
        return DataLoader(
            Collated(self.corpus, shares, self.config.seed, epoch),
            batch_size=None,
            num_workers=self.config.data.num_workers,
            generator=torch.Generator(),
            worker_init_fn=ignore_stop_requests,
        )

    def cost(self, batch: Sequence[Utterance]) -> float:
        return len(batch) * max(utterance.seconds for utterance in batch)

    # -- losses --------------------------------------------------------------------------------------------------

    def weights(self) -> Mapping[str, float]:
        return {term(self.levels.books[book]): 1.0 for book in self.network.made}

    def losses(self, batch: PriorBatch) -> Mapping[str, Tensor]:
        self.prior.train()
        sums = self._foreseen(self.network, batch)
        # Over all its codes, asked for or not, so that the mean over a batch is that over its shares.
        return {
            term(self.levels.books[book]): nats
            / max(1, batch.num_valid * self.levels.factors[self.levels.books[book][0]])
            for book, (nats, _) in sums.items()
        }

    def _foreseen(self, network: CodeNetwork, batch: PriorBatch) -> dict[int, tuple[Tensor, Tensor]]:
        needed = batch.codes[: max(network.config.covered) + 1]
        draws = [ItemRandom(seed, "codes") for seed in batch.seeds]
        return foreseen(network, batch.inputs, needed, batch.num_coarse, draws)

    def after_update(self) -> None:
        pass

    def discard(self) -> None:
        pass

    # -- looking at it ---------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def validate(self, step: int, go_on: Callable[[], bool]) -> Validation | None:
        """Nats a code of every codebook, and bits a second of audio, on utterances that it has not seen."""
        self._load_average()
        network = self.average.networks[0].eval()
        sums = torch.zeros(len(network.made), 2, dtype=torch.float64, device=self.fabric.device)
        near = sorted(self.corpus.valid, key=lambda utterance: utterance.num_coarse)
        batches = pack(near, self.config.data.batch_seconds)
        own = (self.corpus.collate(batch, seed=0, epoch=None) for batch in batches[rank() :: world_size()])

        def look(share: PriorBatch) -> None:
            found = self._foreseen(network, self.fabric.to_device(share))
            for row, (nats, number) in zip(sums, found.values(), strict=True):
                row += torch.stack([nats.double(), number.double()])

        if not in_rounds(own, len(batches), go_on, look):
            return None
        all_reduce_sum(sums)
        nats = dict(zip(network.made, (sums[:, 0] / sums[:, 1].clamp(min=1)).tolist(), strict=True))
        rate = Fraction(self.corpus.layout.sample_rate, self.corpus.layout.hop_lengths[0])
        bits = bits_per_second(nats, self.levels, rate)
        scalars = {f"nats_per_code/{term(self.levels.books[book])}": value for book, value in nats.items()}
        scalars["bits_per_second"] = bits
        values = {name: round(value, 4) for name, value in scalars.items()}
        return Validation(bits, values, scalars, {}, {}, self.corpus.layout.sample_rate)

    def _load_average(self) -> None:
        self.average.load_state_dict(self.networks["prior"].average.weights)

    def export(self, folder: Path) -> None:
        self._load_average()
        save_prior(folder, self.average, self.config.name, self.config.licence)


class Collated(Dataset[PriorBatch]):
    """The batches of given shares, made when they are asked for."""

    def __init__(self, corpus: Corpus, shares: Sequence[Sequence[Utterance]], seed: int, epoch: int) -> None:
        self.corpus, self.shares, self.seed, self.epoch = corpus, shares, seed, epoch

    def __len__(self) -> int:
        return len(self.shares)

    def __getitem__(self, index: int) -> PriorBatch:
        return self.corpus.collate(self.shares[index], self.seed, self.epoch)


def term(book: tuple[int, int]) -> str:
    """The name of a codebook's loss."""
    level, k = book
    return f"level{level}" if k == 0 else f"level{level}_{k}"


def prior_config(config: TrainPriorConfig, corpus: Corpus) -> SpeechPriorConfig:
    """The settings of the run, completed by what the data says."""
    sizes: ConditionConfig = replace(
        config.model.condition,
        num_symbols=len(corpus.text.symbols),
        num_speakers=len(corpus.speakers),
        num_languages=len(corpus.languages),
        voice_size=corpus.voice_size,
    )
    return SpeechPriorConfig(
        tokenizer=corpus.layout.model,
        frontend=corpus.text.frontend,
        symbols=corpus.text.symbols,
        languages=corpus.languages,
        speakers=[
            Speaker(name=name, language=language)
            for name, language in zip(corpus.speakers, corpus.speaker_languages, strict=True)
        ],
        networks=[replace(config.model, codes=corpus.levels, condition=sizes)],
    )


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
