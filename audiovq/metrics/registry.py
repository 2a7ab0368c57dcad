"""Every score by name: how it is taken from a pair of waves, and what the head of its column says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from audiovq.metrics.cepstral import mcd, mcd_dtw
from audiovq.metrics.intelligibility import estoi, stoi
from audiovq.metrics.log_mel import log_mel_config, wave_log_mel_l1
from audiovq.metrics.mos import distillmos, dnsmos_p808, plcmos
from audiovq.metrics.multi_scale import (
    log_spectral_distance,
    multi_resolution_stft_distance,
    multi_scale_mel_distance,
)
from audiovq.metrics.music.harmony import chroma_correlation
from audiovq.metrics.perceptual import pesq_nb, pesq_wb
from audiovq.metrics.pitch import f0_rmse, gross_pitch_error, voicing_error
from audiovq.metrics.speaker import speaker_similarity
from audiovq.metrics.stereo import channel_mel_distance, correlation_error, level_difference_error
from audiovq.metrics.visqol import visqol_audio, visqol_speech
from audiovq.metrics.waveform import si_sdr

DECODER_MEL = "decoder_log_mel_l1"  # of the spectrogram that a mel decoder puts out, before it becomes a wave


@dataclass(frozen=True)
class Column:
    """What a table says about a score; `unit` is empty where there is none."""

    title: str
    unit: str
    higher_is_better: bool
    range: str

    @property
    def heading(self) -> str:
        """Title, unit, and an arrow towards better."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.title}{unit} {'↑' if self.higher_is_better else '↓'}"


@dataclass(frozen=True)
class Metric:
    """A score of two mono waves, or `stereo` ones, of one rate, and of one length unless it `warps` time.

    measure: takes (reference, result, sample_rate). packages: what the extra `eval` has to bring.
    """

    measure: Callable[[Tensor, Tensor, int], float]
    column: Column
    speech_only: bool = False
    packages: tuple[str, ...] = ()
    warps: bool = False
    stereo: bool = False


def _log_mel_l1(reference: Tensor, result: Tensor, sample_rate: int) -> float:
    return wave_log_mel_l1(reference, result, log_mel_config(sample_rate))


def _stft_distance(reference: Tensor, result: Tensor, sample_rate: int) -> float:
    return multi_resolution_stft_distance(reference, result)


def _log_spectral_distance(reference: Tensor, result: Tensor, sample_rate: int) -> float:
    return log_spectral_distance(reference, result)


def _si_sdr(reference: Tensor, result: Tensor, sample_rate: int) -> float:
    return si_sdr(reference, result)


_MOS = ("MOS", True, "1 to 5")

# Sources are with the functions.
METRICS: dict[str, Metric] = {
    "log_mel_l1": Metric(_log_mel_l1, Column("log-mel L1 of the wave", "nat", False, "0 and up")),
    "mel_distance": Metric(multi_scale_mel_distance, Column("mel distance", "nat", False, "0 and up")),
    "stft_distance": Metric(_stft_distance, Column("STFT distance", "", False, "0 and up")),
    "lsd": Metric(_log_spectral_distance, Column("log-spectral distance", "dB", False, "0 and up")),
    "si_sdr": Metric(_si_sdr, Column("SI-SDR", "dB", True, "-100 to 100")),
    "mcd": Metric(mcd, Column("MCD", "dB", False, "0 and up"), True),
    "mcd_dtw": Metric(mcd_dtw, Column("MCD with DTW", "dB", False, "0 and up"), True, warps=True),
    "f0_rmse": Metric(f0_rmse, Column("F0 RMSE", "cents", False, "0 and up"), True),
    "voicing_error": Metric(voicing_error, Column("voicing decision error", "", False, "0 to 1"), True),
    "gross_pitch_error": Metric(gross_pitch_error, Column("gross pitch error", "", False, "0 to 1"), True),
    "stoi": Metric(stoi, Column("STOI", "", True, "about 0 to 1"), True, ("pystoi",)),
    "estoi": Metric(estoi, Column("ESTOI", "", True, "about 0 to 1"), True, ("pystoi",)),
    "pesq_wb": Metric(pesq_wb, Column("PESQ-WB", "MOS-LQO", True, "1.02 to 4.64"), True, ("pesq",)),
    "pesq_nb": Metric(pesq_nb, Column("PESQ-NB", "MOS-LQO", True, "1.02 to 4.55"), True, ("pesq",)),
    "visqol": Metric(visqol_speech, Column("ViSQOL", "MOS-LQO", True, "1 to 5"), True, ("visqol", "ai_edge_litert")),
    "visqol_audio": Metric(visqol_audio, Column("ViSQOL-audio", "MOS-LQO", True, "1 to 4.73"), False, ("visqol",)),
    "chroma_correlation": Metric(chroma_correlation, Column("correlation of pitch classes", "", True, "-1 to 1")),
    "speaker_similarity": Metric(
        speaker_similarity, Column("speaker similarity", "cosine", True, "-1 to 1"), True, ("resemblyzer",)
    ),
    "distillmos": Metric(distillmos, Column("DistillMOS", *_MOS), True, ("distillmos", "xls_r_sqa")),
    "dnsmos_p808": Metric(dnsmos_p808, Column("DNSMOS P.808", *_MOS), True, ("speechmos", "onnxruntime")),
    "plcmos": Metric(plcmos, Column("PLCMOS", *_MOS), True, ("speechmos", "onnxruntime")),
    "channel_mel_distance": Metric(
        channel_mel_distance, Column("mel distance of left and right", "nat", False, "0 and up"), stereo=True
    ),
    "level_difference_error": Metric(
        level_difference_error, Column("error of level differences", "dB", False, "0 and up"), stereo=True
    ),
    "correlation_error": Metric(
        correlation_error, Column("error of the channels' correlation", "", False, "0 to 2"), stereo=True
    ),
}

COLUMNS: dict[str, Column] = {
    DECODER_MEL: Column("log-mel L1 of the decoder", "nat", False, "0 and up"),
    **{name: metric.column for name, metric in METRICS.items()},
    "cer": Column("CER", "", False, "0 and up"),
    "wer": Column("WER", "", False, "0 and up"),
}
