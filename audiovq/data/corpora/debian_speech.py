"""DebianSpeech: about 16 hours of speech in some 30 languages that installs from Debian packages.

Prompts of telephone systems, one reader, actors of three games, and many amateurs who recorded words for children.
Each package is unpacked into a folder of its own name below one root; the root `/` means packages that are installed.
"""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from audiovq.data.corpora import queen
from audiovq.data.corpora.debian import check_packages, download_packages, package_folder
from audiovq.data.corpora.utterance import Source, Utterance, make_id
from audiovq.data.words import squeeze

PACKAGES = (
    *(
        f"asterisk-core-sounds-{language}{kind}"
        for language in ("en", "es", "fr", "it", "ru")
        for kind in ("", "-g722")
    ),
    *("festvox-ru", "fillets-ng-data", "fillets-ng-data-cs", "fillets-ng-data-nl", "flight-of-the-amazon-queen"),
    *("gcin-voice", "klettres-data", "ktuberling-data", "tuxpaint-stamps-default"),
)

# Whole voices are held out. Allison speaks English and Spanish. The amateurs are not named: one may have recorded a
# language for several packages, or two languages (GE2E speaker embeddings bring be_tuxpaint and ru_ktuberling, and some
# of the klettres, as near as one voice is to itself). So all amateurs of a language are on one side, and no voice here
# has a cosine above 0.84 with any voice of train.
HELD_OUT = {
    "test": (
        *("en_asterisk_allison", "es_asterisk_allison", "fr_asterisk_june", "it_asterisk_carlo", "zh_gcin_spk3"),
        *("el_tuxpaint", "el_ktuberling", "gl_ktuberling", "nn_ktuberling", "sl_ktuberling", "wa_ktuberling"),
        "nb_klettres",
    ),
    "valid": ("bg_tuxpaint", "lt_klettres", "lt_ktuberling", "lt_tuxpaint"),
}

_ASTERISK_VOICES = {"en": "allison", "es": "allison", "fr": "june", "it": "carlo", "ru": "ivrvoice"}
_ASTERISK_NO_SPEECH = ("beep", "beeperr", "ascending-2tone", "descending-2tone", "tt-monkeys")
_DIALOGUE_LINE = re.compile(r'dialogId\("([^"]+)",\s*"([^"]*)"[^)]*\)\s*dialogStr\("((?:[^"\\]|\\.)*)"')
_STAMP_NAME = re.compile(r"(.*)_desc(?:_([a-z]{2,3}(?:_[A-Z]{2})?))?(?:\.ogg)?\.(?:ogg|wav)$")


@dataclasses.dataclass
class DebianSpeech:
    """The corpus below `root`."""

    root: Path

    def download(self) -> None:
        """Fetch the packages. Raises: CorpusError if one cannot be had."""
        download_packages(self.root, PACKAGES)

    def utterances(self) -> Iterator[Utterance]:
        """List all recordings, package by package.

        Raises: CorpusError if a package is missing.
        """
        check_packages(self.root, PACKAGES)
        split = {speaker: name for name, speakers in HELD_OUT.items() for speaker in speakers}
        for utterance in self._recordings():
            yield dataclasses.replace(utterance, split=split.get(utterance.speaker, "train"))

    def _recordings(self) -> Iterator[Utterance]:
        yield from self._asterisk()
        yield from self._festvox()
        yield from self._fillets()
        yield from self._tuxpaint()
        yield from self._klettres()
        yield from self._ktuberling()
        yield from self._gcin()
        yield from self._queen()

    def _at(self, package: str) -> Path:
        return package_folder(self.root, package)

    def _asterisk(self) -> Iterator[Utterance]:
        for language, voice in _ASTERISK_VOICES.items():
            package = f"asterisk-core-sounds-{language}"
            listing = self._at(package) / f"usr/share/doc/{package}/core-sounds-{language}.txt.gz"
            lines = gzip.decompress(listing.read_bytes()).decode("utf-8", "replace").splitlines()
            pairs = (line.split(":", 1) for line in lines if ":" in line and not line.startswith(";"))
            texts = {key.strip(): squeeze(words) for key, words in pairs}
            speaker = f"{language}_asterisk_{voice}"
            (sounds,) = (self._at(f"{package}-g722") / "usr/share/asterisk/sounds").glob(f"{language}_*")
            for path in sorted(sounds.rglob("*.g722")):
                key = path.relative_to(sounds).with_suffix("").as_posix()
                text = texts.get(key, "")
                no_speech = key.startswith("silence/") or key in _ASTERISK_NO_SPEECH
                reason = "not speech: silence, tone or noise" if no_speech else ""
                yield Utterance(
                    make_id(speaker, key), speaker, language, Source(path, "g722"), text, drop_reason=reason
                )

    def _festvox(self) -> Iterator[Utterance]:
        voice = self._at("festvox-ru") / "usr/share/festival/voices/russian/msu_ru_nsh_clunits"
        listing = (voice / "etc/txt.done.data").read_text("utf-8", "replace")
        texts = dict(re.findall(r'\(\s*(\S+)\s+"(.*?)"\s*\)', listing, re.DOTALL))
        for path in sorted(voice.glob("wav/*.wav")):
            text = squeeze(texts.get(path.stem, "").replace("+", ""))  # + precedes a stressed vowel
            yield Utterance(make_id("ru_festvox_nsh", path.stem), "ru_festvox_nsh", "ru", Source(path), text)

    def _fillets(self) -> Iterator[Utterance]:
        scripts = self._at("fillets-ng-data") / "usr/share/games/fillets-ng/script"
        for language in ("cs", "nl"):
            lines = {}
            for path in sorted(scripts.glob(f"*/*_{language}.lua")):
                for key, font, words in _DIALOGUE_LINE.findall(path.read_text("utf-8", "replace")):
                    lines[key] = (font.removeprefix("font_"), squeeze(words.replace('\\"', '"')))
            sounds = self._at(f"fillets-ng-data-{language}") / "usr/share/games/fillets-ng/sound"
            for path in sorted(sounds.rglob("*.ogg")):
                key, room = path.stem, path.relative_to(sounds).parts[0]
                guess = "small" if "-m-" in key else "big" if "-v-" in key else "other"
                fish, text = lines.get(key, (guess, ""))
                speaker = f"{language}_fillets_{fish if fish in ('small', 'big') else 'other'}"
                yield Utterance(make_id(speaker, f"{room}-{key}"), speaker, language, Source(path), text)

    def _tuxpaint(self) -> Iterator[Utterance]:
        stamps = self._at("tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps"
        for path in sorted(stamps.rglob("*_desc*")):
            match = _STAMP_NAME.match(path.name)
            if not match:
                continue
            stamp, language = match[1], match[2] or "en"
            description = path.with_name(stamp + ".txt")
            lines = description.read_text("utf-8", "replace").splitlines() if description.exists() else []
            translations = [line.split("=", 1)[1] for line in lines if line.startswith(f"{language}.utf8=")]
            text = squeeze((lines[:1] if language == "en" else translations[-1:] or [""])[0] if lines else "")
            speaker = f"{language}_tuxpaint"
            name = path.relative_to(stamps).with_suffix("").as_posix()
            yield Utterance(make_id(speaker, name), speaker, language, Source(path), text)

    def _klettres(self) -> Iterator[Utterance]:
        root = self._at("klettres-data") / "usr/share/klettres"
        for sounds in sorted(root.glob("*/sounds.xml")):
            language = sounds.parent.name
            speaker = f"{language}_klettres"
            reason = "voice in a fifth of the time only" if language == "ml" else ""
            names = re.findall(r'<sound name="([^"]*)" file="([^"]*)"', sounds.read_text("utf-8", "replace"))
            texts = {file: squeeze(name) for name, file in names}
            for path in _sound_files(sounds.parent):
                file = path.relative_to(root)
                name = file.relative_to(language).with_suffix("").as_posix()
                text = texts.get(file.as_posix(), "")
                yield Utterance(make_id(speaker, name), speaker, language, Source(path), text, drop_reason=reason)

    def _ktuberling(self) -> Iterator[Utterance]:
        root = self._at("ktuberling-data") / "usr/share/ktuberling/sounds"
        for path in _sound_files(root):
            language, *rest = path.relative_to(root).with_suffix("").parts
            speaker = f"{language}_ktuberling"
            yield Utterance(make_id(speaker, "-".join(rest)), speaker, language, Source(path))

    def _gcin(self) -> Iterator[Utterance]:
        for path in sorted((self._at("gcin-voice") / "usr/share/gcin-voice/ogg").glob("*/*.ogg")):
            syllable, speaker = path.parent.name, f"zh_gcin_spk{path.stem}"
            yield Utterance(make_id(speaker, syllable), speaker, "zh", Source(path), syllable)

    def _queen(self) -> Iterator[Utterance]:
        folder = self._at("flight-of-the-amazon-queen") / "usr/share/scummvm/flight-of-the-amazon-queen"
        archive, entries = queen.read_archive(folder / "queen.1c")
        texts = queen.read_texts(archive, entries)
        for name, (offset, size) in sorted(entries.items()):
            if name.endswith(".SB") and size:
                joe = re.match(r"JOE|.*J\d?$", name[:-3])
                speaker = "en_queen_joe" if joe else "en_queen_other"
                source = Source(folder / "queen.1c", offset_bytes=offset, num_bytes=size)
                yield Utterance(make_id(speaker, name[:-3]), speaker, "en", source, texts.get(name, ""))


def _sound_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".ogg", ".opus", ".wav"))
