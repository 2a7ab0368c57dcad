"""The configurations of the trainings: dataclasses, so that a misspelt key or a wrong type is an error."""

from __future__ import annotations

from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from audiovq.data.source import DataConfig
from audiovq.losses.adversarial import FORMS
from audiovq.models import VQVAEConfig
from audiovq.models.discriminators import DiscriminatorsConfig
from audiovq.models.vocoder import VocoderConfig
from audiovq.priors.config import PriorConfig
from audiovq.priors.durations import DurationConfig
from audiovq.train.config import OptimConfig, RunConfig


@dataclass(kw_only=True)
class LossWeights:
    """Weights of the loss terms; a term of weight 0 is not computed."""

    mel: float = 1.0  # L1 of log-mels in nats
    loudness_power: float = 0.0  # in it, a cell counts as its magnitude to this power
    multi_scale_mel: float = 0.0  # waveform heads
    multi_scale_stft: float = 0.0
    wave: float = 0.0
    commitment: float = 0.25
    prefixes: float = 0.0  # the first of mel and multi_scale_mel, for every prefix of levels but the whole
    predictor: float = 0.0  # how badly each level's latent is guessed from the next coarser codes


@dataclass(kw_only=True)
class TrainTokenizerConfig(RunConfig):
    """Settings of recipes.train_tokenizer, beside those of every run."""

    name: str  # of the model, as it will be known
    licence: str = "unstated"
    init_from: str = ""  # a bundled model or a model's folder whose weights and codebooks a new run begins with
    init_partly: bool = False  # take over only what fits when init_from is another model
    keep_codes: bool = False  # train the decoder alone, so that codes of init_from stay valid, and new ones equal them
    # For this many steps latents pass unquantised; then k-means on real latents starts every codebook. A network with
    # log-mels on both sides begins as a pyramid of them and needs none; one that reads waveforms must learn first.
    quantizer_start_step: int = 0
    kmeans_latents_per_entry: int = 4
    level_dropout: float = 0.3  # share of items of which only a random prefix of levels is decoded
    collapse_share: float = 0.02  # a level whose perplexity stays below this share of its entries fails the run
    compile: bool = False  # let torch.compile rewrite the network
    model: VQVAEConfig = field(default_factory=VQVAEConfig)
    data: DataConfig = field(default_factory=DataConfig)
    # Larger steps, or sudden ones, undo how a network with log-mels on both sides begins.
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=3e-4, warmup_steps=300))
    loss: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.keep_codes and (not self.init_from or self.init_partly):
            raise ValueError("keep_codes needs a model whose codes to keep: set init_from, and init_partly=false")


SOURCES = ("mel", "codes")


@dataclass(kw_only=True)
class VocoderDataConfig(DataConfig):
    """As for tokenizers, but that each epoch hears a random window of each of the windows there."""

    train_seconds: float = 1.5  # length of the random windows
    batch_seconds: float = 16.0
    valid_seconds: float = 300.0


@dataclass(kw_only=True)
class WaveDecoderConfig:
    """What a waveform decoder of codes has for the head of its tokenizer; the rest is as the tokenizer's decoder."""

    head_strides: list[int] = field(default_factory=lambda: [2])
    head_blocks: int = 8
    decoder_blocks: list[int] = field(default_factory=list)  # at each level; empty: as many as the tokenizer's


@dataclass(kw_only=True)
class VocoderLossWeights:
    """Weights of what the generator learns from, which a balancer takes for shares of the gradient at its output."""

    multi_scale_mel: float = 1.0  # of waves
    magnitude: float = 1.0  # of magnitudes
    adversarial: float = 0.3
    feature_matching: float = 0.3

    def __post_init__(self) -> None:
        if min(self.multi_scale_mel, self.magnitude) <= 0 or min(self.adversarial, self.feature_matching) < 0:
            raise ValueError(f"expected multi_scale_mel and magnitude above 0 and no weight below 0, got {self}")

    @property
    def uses_discriminators(self) -> bool:
        return self.adversarial > 0 or self.feature_matching > 0


@dataclass(kw_only=True)
class BalancerConfig:
    """Whether weights of losses are shares of the gradient at what the generator makes."""

    enabled: bool = True
    decay: float = 0.99  # of the running sizes of gradients


@dataclass(kw_only=True)
class AdversarialConfig:
    """From when on discriminators take part, in which form, and how much of each item they hear."""

    start_step: int = 0
    # So long they learn before the generator hears of them: what untrained ones say makes it worse.
    lead_steps: int = 300
    form: str = "hinge"  # hinge or least_squares
    # They judge a random part of each window: half a second costs them a third of a window of 1.5 s, and is enough.
    judged_seconds: float = 0.5

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"adversarial.form is {self.form!r}, expected one of {', '.join(FORMS)}")
        if min(self.start_step, self.lead_steps) < 0 or self.judged_seconds <= 0:
            raise ValueError(f"expected start_step and lead_steps of at least 0 and judged_seconds above 0, got {self}")


@dataclass(kw_only=True)
class TrainVocoderConfig(RunConfig):
    """Settings of recipes.train_vocoder, beside those of every run."""

    name: str  # of the model, as it will be known
    licence: str = "unstated"
    source: str = "mel"  # mel: a vocoder is trained; codes: a waveform decoder for the codes of a tokenizer
    # Bundled tokenizers or their folders: one, when source=codes; otherwise those whose decoded log-mels are read too.
    tokenizers: list[str] = field(default_factory=list)
    decoded_share: float = 0.0  # source=mel: share of items that are read as one of the tokenizers decodes them
    level_dropout: float = 0.0  # source=codes: share of items of which only a random prefix of levels is decoded
    init_from: str = ""  # a model of the same form that a new run begins with, and its discriminators if it has them
    model: VocoderConfig = field(default_factory=VocoderConfig)  # source=mel
    decoder: WaveDecoderConfig = field(default_factory=WaveDecoderConfig)  # source=codes
    discriminators: DiscriminatorsConfig = field(default_factory=DiscriminatorsConfig)
    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    data: VocoderDataConfig = field(default_factory=VocoderDataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    discriminator_optim: OptimConfig = field(
        default_factory=lambda: OptimConfig(learning_rate=2e-4, betas=[0.8, 0.98], max_gradient_norm=10.0)
    )
    loss: VocoderLossWeights = field(default_factory=VocoderLossWeights)
    balancer: BalancerConfig = field(default_factory=BalancerConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.source not in SOURCES:
            raise ValueError(f"source is {self.source!r}, expected one of {', '.join(SOURCES)}")
        if self.precision == "16-mixed":  # its one scaled loss would have to serve two optimizers
            raise ValueError("precision 16-mixed cannot train against discriminators: use bf16-mixed or 32-true")
        for share in ("decoded_share", "level_dropout"):
            if not 0 <= getattr(self, share) <= 1:
                raise ValueError(f"{share} is {getattr(self, share)}, expected 0 to 1")
        if self.source == "codes" and len(self.tokenizers) != 1:
            raise ValueError(f"tokenizers are {self.tokenizers}; source=codes needs one: tokenizers=[NAME_OR_FOLDER]")
        if self.decoded_share and not self.tokenizers:
            raise ValueError("decoded_share needs tokenizers: add tokenizers=[NAME_OR_FOLDER]")

    @property
    def makes_magnitudes(self) -> bool:
        return self.source == "mel" and self.model.head == "magnitude"


PARTS = ("codes", "durations")


@dataclass(kw_only=True)
class PriorDataConfig:
    """What a prior learns from: text as the alignments say it, or pieces of music (``model.reads``)."""

    tokens: list[str] = MISSING  # folders of token tables
    batch_seconds: float = 48.0
    hidden_share: float = 0.1  # of items whose condition, or labels, are hidden, for guidance
    num_workers: int = 0
    # text
    train_alignments: str = ""
    valid_alignments: str = ""
    voices: str = ""  # of recipes.extract_voices
    text: str = ""  # text.json of recipes.prepare_tts
    voice_share: float = 0.3  # of items whose speaker is told by the sound of another utterance, not by name
    # music
    valid_tokens: list[str] = field(default_factory=list)  # folders of token tables of what is held out
    labels: str = ""  # labels.jsonl of recipes.prepare; empty: there are no labels
    label_fields: list[str] = field(default_factory=lambda: ["package", "style", "composer", "tempo", "key"])
    beat_field: str = ""  # of label_fields, that whose "88 bpm" are kept from a piece's very beginning on: a beat clock
    min_pieces_per_label: int = 4  # a label of fewer is left out
    label_share: float = 0.7  # of an item's labels that it is told
    window_seconds: float = 20.0  # of the stretches that are learnt from, and that it sees of what it makes
    short_share: float = 0.0  # of what is learnt from short windows: labels tell most where little was heard
    short_seconds: float = 4.0
    edge_share: float = 0.15  # of stretches that are the beginning, or the end, of a piece
    time_jitter: float = 0.2  # how far the time before and after a stretch is stretched, as a logarithm

    def __post_init__(self) -> None:
        if self.window_seconds <= 0 or self.time_jitter < 0:
            raise ValueError(f"expected window_seconds above 0 and time_jitter of at least 0, got {self}")
        if self.short_share and not 0 < self.short_seconds <= self.window_seconds:
            raise ValueError(
                f"data.short_seconds is {self.short_seconds}, "
                f"expected above 0, up to window_seconds, {self.window_seconds}"
            )
        for name in ("hidden_share", "voice_share", "label_share", "short_share", "edge_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"data.{name} is {getattr(self, name)}, expected 0 to 1")


@dataclass(kw_only=True)
class TrainPriorConfig(RunConfig):
    """Settings of recipes.train_prior, beside those of every run."""

    name: str  # of the prior, as it will be known
    licence: str = "unstated"
    part: str = "codes"  # codes: the network that model describes; durations: the forecast of how long symbols last
    tokenizer: str = "speech-16k"
    init_from: str = ""  # a prior to begin with: what fits, and rows of known symbols, speakers, labels ... by name
    model: PriorConfig = field(default_factory=PriorConfig)  # sizes that the data fix are filled in, here and below
    durations: DurationConfig = field(default_factory=DurationConfig)
    data: PriorDataConfig = field(default_factory=PriorDataConfig)
    optim: OptimConfig = field(default_factory=lambda: OptimConfig(learning_rate=1e-3))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.part not in PARTS:
            raise ValueError(f"part is {self.part!r}, expected one of {', '.join(PARTS)}")


def register() -> None:
    """Make the schemas known to hydra under the names that the files in configs/ use."""
    ConfigStore.instance().store(name="base_train_tokenizer", node=TrainTokenizerConfig)
    ConfigStore.instance().store(name="base_train_vocoder", node=TrainVocoderConfig)
    ConfigStore.instance().store(name="base_train_prior", node=TrainPriorConfig)
