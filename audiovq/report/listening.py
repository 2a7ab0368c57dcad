"""The clips of the page: players whose sounds lie inside the page, below their spectrograms."""

from __future__ import annotations

import base64
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

from torch import Tensor

from audiovq.audio import io
from audiovq.report.data import ORIGINAL
from audiovq.report.html import element, lines, number, text
from audiovq.report.joining import HeardClip, Sound
from audiovq.report.pictures import LOWEST_DB, decibels, spectrogram_pngs


def asset(name: str) -> str:
    """A file that the page is put together from."""
    return (files("audiovq.report") / "assets" / name).read_text(encoding="utf-8")


def clip_card(clip: HeardClip, index: int) -> str:
    """A clip with its transport and all its sounds."""
    waves = [io.read(sound.path) for sound in clip.sounds]
    pictures = spectrogram_pngs([decibels(wave.mean(0), sample_rate) for wave, sample_rate in waves])
    seconds = max(wave.shape[1] / sample_rate for wave, sample_rate in waves)
    highest_hz = max(sample_rate for _, sample_rate in waves) / 2
    has_original = clip.sounds[0].label == ORIGINAL
    sounds = [
        _sound(sound, _key(place, has_original), flac(*wave), picture, is_chosen=place == 0)
        for place, (sound, wave, picture) in enumerate(zip(clip.sounds, waves, pictures, strict=True))
    ]
    loudest = ORIGINAL if has_original else clip.sounds[0].label
    scale = (
        f"Spectrograms: 0 to {highest_hz / 1000:g} kHz, {seconds:.1f} seconds, in one colour scale from the loudest of "
        f"{loudest} down to {-LOWEST_DB:.0f} dB below."
    )
    title = f"clip-{index}"
    return element(
        "article",
        {"class": "clip", "data-clip": clip.id, "data-seconds": f"{seconds:.4f}", "aria-labelledby": title},
        element("h3", {"id": title}, text(clip.id)),
        element("p", {"class": "text"}, text(clip.text)) if clip.text else "",
        transport(clip.id),
        element("div", {"class": "sounds", "role": "group", "aria-label": f"What to hear of {clip.id}"}, lines(sounds)),
        element("p", {"class": "muted"}, text(scale)),
    )


def blind_test(clips: list[HeardClip]) -> str:
    """The form and the panels of the blind test; empty where there is nothing to compare."""
    labels = list(dict.fromkeys(sound.label for clip in clips for sound in clip.sounds))
    if len(labels) < 2:
        return ""

    def options(names: list[str], chosen: str) -> str:
        return "".join(element("option", {"selected": name == chosen}, text(name)) for name in names)

    return Template(asset("blind.html")).substitute(
        first=options(labels, labels[0]),
        second=options(labels, labels[-1]),
        clips=options([clip.id for clip in clips], ""),
        transport=transport("this trial"),
    )


def transport(name: str) -> str:
    """Play, position and loop."""
    slider = {"type": "range", "class": "seek", "min": "0", "max": "1", "step": "0.01", "value": "0"}
    return element(
        "div",
        {"class": "transport"},
        element("button", {"type": "button", "class": "play", "aria-label": "Play"}),
        element("input", {**slider, "aria-label": f"Position in {name}"}),
        element("span", {"class": "time"}),
        element("label", {"class": "loop"}, element("input", {"type": "checkbox"}), " loop"),
    )


def flac(wave: Tensor, sample_rate: int) -> bytes:
    """16-bit FLAC, which browsers play and which loses nothing.

    Shape: (C, T)
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.flac"
        io.write(path, wave, sample_rate)
        return path.read_bytes()


def _key(place: int, has_original: bool) -> str:
    if place == 0 and has_original:
        return "o"
    digit = place if has_original else place + 1
    return str(digit) if digit <= 9 else ""


def _sound(sound: Sound, key: str, audio: bytes, picture: bytes, is_chosen: bool) -> str:
    rate = f"{number(sound.bits_per_second)} bits/s" if sound.bits_per_second else ""
    button = element(
        "button",
        {"type": "button", "class": "choose", "aria-pressed": "true" if is_chosen else "false"},
        element("kbd", {}, key) if key else "",
        element("span", {"class": "name"}, text(sound.label)),
        element("span", {"class": "rate"}, rate),
    )
    image = element("img", {"src": _data("image/png", picture), "alt": f"Spectrogram of {sound.label}"})
    return element(
        "div",
        {"class": "sound", "data-label": sound.label},
        button,
        element("div", {"class": "picture"}, image, element("span", {"class": "playhead"})),
        element("audio", {"controls": True, "preload": "none", "src": _data("audio/flac", audio)}),
    )


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
