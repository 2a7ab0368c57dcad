"""Tempo, key and loudness of music whose values can be worked out by hand."""

import math
import warnings

import numpy as np
import pytest
import torch

from audiovq.audio.pitch_classes import TONICS
from audiovq.metrics.checks import NotMeasurableError
from audiovq.metrics.music.key import chroma, key_of, key_stability, window_keys
from audiovq.metrics.music.level import loudness_lufs, silence_share
from audiovq.metrics.music.piece import UNITS, measure_piece
from audiovq.metrics.music.tempo import is_same_tempo, onsets, pulse_clarity, tempo_bpm, tempo_stability
from tests.metrics.music.sounds import AM, DM, RATE, C, E, F, G, clicks, progression


@pytest.mark.parametrize(
    "chords, name", [((C, F, G, C), "C major"), ((AM, DM, E, AM), "A minor"), ((G, C, (62, 66, 69), G), "G major")]
)
def test_the_key_of_a_cadence(chords: tuple[tuple[int, ...], ...], name: str) -> None:
    assert key_of(chroma(progression(*chords), RATE).sum(1)).name == name


def test_pitch_classes_that_are_a_profile_are_that_key() -> None:
    minor = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
    for tonic, name in enumerate(TONICS):
        found = key_of(7 + 2 * np.roll(minor, tonic))
        assert found.name == f"{name} minor" and found.correlation == pytest.approx(1)


def test_the_key_is_that_of_most_windows() -> None:
    chromas = chroma(progression(C, F, G, C, times=6), RATE)
    assert key_stability(chromas, window_seconds=4.0) == 1.0
    fsharp = tuple(note + 6 for note in C), tuple(note + 6 for note in F), tuple(note + 6 for note in G)
    moved = progression(C, F, G, C, times=3).tolist() + progression(*fsharp, fsharp[0]).tolist()
    keys = window_keys(chroma(torch.tensor(moved), RATE), window_seconds=4.0)
    assert keys == ["C major"] * 3 + ["F# major"]
    assert key_stability(chroma(torch.tensor(moved), RATE), window_seconds=4.0) == 0.75


def test_there_is_no_key_in_silence_or_where_all_tones_are_alike() -> None:
    with pytest.raises(NotMeasurableError, match="a second of sound"):
        chroma(torch.zeros(3 * RATE), RATE)
    with pytest.raises(NotMeasurableError, match="there is no key"):
        key_of(np.ones(12))


@pytest.mark.parametrize("bpm", [60, 97, 120, 160])
def test_the_tempo_of_a_click_track(bpm: int) -> None:
    strength = onsets(clicks(bpm, 12), RATE)
    assert tempo_bpm(strength) == pytest.approx(bpm, rel=0.002)
    assert tempo_stability(strength, window_seconds=6.0) == 1.0
    assert pulse_clarity(strength) > 0.7


def test_noise_has_no_pulse() -> None:
    noise = torch.randn(20 * RATE, generator=torch.Generator().manual_seed(1))
    assert pulse_clarity(onsets(noise, RATE)) < 0.1


def test_a_tempo_that_changes_is_not_stable() -> None:
    strength = onsets(torch.cat([clicks(100, 24), clicks(135, 8)]), RATE)
    assert tempo_stability(strength, window_seconds=8.0) == 0.75


@pytest.mark.parametrize("second, same", [(120, True), (124, True), (126, False), (60, True), (240, True), (90, False)])
def test_tempos_are_the_same_within_four_percent_and_an_octave(second: float, same: bool) -> None:
    assert is_same_tempo(120, second) == same


def test_a_tempo_needs_beats() -> None:
    for wave, reason in ((clicks(120, 3), "needs 4 s"), (torch.zeros(5 * RATE), "nothing begins to sound")):
        with pytest.raises(NotMeasurableError, match=reason):
            tempo_bpm(onsets(wave, RATE))


def test_the_loudness_of_a_sine_is_what_bs1770_says() -> None:
    # A full-scale sine of 997 Hz is at -3.01 LUFS (ITU-R BS.1770-4, annex 1), its half 6.02 below.
    sine = torch.sin(2 * math.pi * 997 * torch.arange(3 * 48_000) / 48_000)
    assert loudness_lufs(sine, 48_000) == pytest.approx(-3.01, abs=0.05)
    assert loudness_lufs(sine / 2, 48_000) == pytest.approx(-9.03, abs=0.05)
    for wave, reason in ((torch.zeros(RATE), "below -70 LUFS"), (torch.ones(RATE // 4), "more than 0.4 s")):
        with pytest.raises(NotMeasurableError, match=reason):
            loudness_lufs(wave, RATE)


def test_silence_is_counted_in_blocks() -> None:
    wave = torch.cat([torch.full((3 * RATE,), 0.1), torch.full((RATE,), 0.0009)])
    assert silence_share(wave, RATE) == 0.25
    assert silence_share(wave, RATE, silence_db=-70) == 0.0


def test_what_a_piece_lacks_has_a_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, reasons = measure_piece(torch.zeros(5 * RATE), RATE)
    assert values == {"seconds": 5.0, "silence_share": 1.0}
    assert reasons.keys() == {*UNITS, "key"} - {"silence_share"}
