"""Every score by name: how it is taken from a pair of waves, and what the head of its column says."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from audiovq.audio.mel import LogMelConfig
from audiovq.metrics.intelligibility import estoi, stoi
from audiovq.metrics.log_mel import wave_log_mel_l1
from audiovq.metrics.multi_scale import multi_resolution_stft_distance, multi_scale_mel_distance
from audiovq.metrics.perceptual import pesq_wb
from audiovq.metrics.speaker import speaker_similarity
from audiovq.metrics.visqol import visqol_speech
from audiovq.metrics.waveform import si_sdr

DECODER_MEL = "decoder_log_mel_l1"  # of the spectrogram that a mel decoder puts out, before it becomes a wave


@dataclass(frozen=True)
class Column:
    """What a table says about a score; `unit` is empty where there is none."""

    title: str
    unit: str
    higher_is_better: bool

    @property
    def heading(self) -> str:
        """Title, unit, and an arrow towards better."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.title}{unit} {'↑' if self.higher_is_better else '↓'}"


def log_mel_config(sample_rate: int) -> LogMelConfig:
    """The spectrogram in which waves of one rate are compared: 80 bands up to half the rate, 40 ms every 10 ms."""
    hop_length = round(sample_rate / 100)
    return LogMelConfig(
        sample_rate=sample_rate, n_fft=4 * hop_length, hop_length=hop_length, num_mels=80, fmax=sample_rate / 2
    )


# Each takes (reference, result, sample_rate), mono waves (T,).
WAVE_METRICS: dict[str, Callable[[Tensor, Tensor, int], float]] = {
    "log_mel_l1": lambda reference, result, rate: wave_log_mel_l1(reference, result, log_mel_config(rate)),
    "mel_distance": multi_scale_mel_distance,
    "stft_distance": lambda reference, result, _: multi_resolution_stft_distance(reference, result),
    "stoi": stoi,
    "estoi": estoi,
    "pesq_wb": pesq_wb,
    "visqol": visqol_speech,
    "speaker_similarity": speaker_similarity,
    "si_sdr": lambda reference, result, _: si_sdr(reference, result),
}

# What the extra `eval` has to bring for a metric.
PACKAGES = {
    "stoi": "pystoi",
    "estoi": "pystoi",
    "pesq_wb": "pesq",
    "visqol": "visqol",
    "speaker_similarity": "resemblyzer",
}

COLUMNS = {
    DECODER_MEL: Column("log-mel L1 of the decoder", "nat", False),
    "log_mel_l1": Column("log-mel L1 of the wave", "nat", False),
    "mel_distance": Column("mel distance", "nat", False),
    "stft_distance": Column("STFT distance", "", False),
    "stoi": Column("STOI", "", True),
    "estoi": Column("ESTOI", "", True),
    "pesq_wb": Column("PESQ-WB", "MOS-LQO", True),
    "visqol": Column("ViSQOL", "MOS-LQO", True),
    "speaker_similarity": Column("speaker similarity", "cosine", True),
    "si_sdr": Column("SI-SDR", "dB", True),
}
