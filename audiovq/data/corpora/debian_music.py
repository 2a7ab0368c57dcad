"""DebianMusic: about 19 hours of music of eleven games that installs from Debian packages, split by album.

Each package is unpacked into a folder of its own name below one root; the root `/` means packages that are installed.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import soundfile

from audiovq.data.corpora.debian import check_packages, download_packages, package_folder
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance, make_id
from audiovq.data.words import squeeze


@dataclasses.dataclass(frozen=True)
class Album:
    """Music of one package that belongs together.

    `files` is a pattern below the package; what follows a colon is one inside that zip archive. A composer or a style
    that is given holds for all files, and is evident from the package; else a file's own tags may tell.
    """

    name: str
    package: str
    files: str
    composer: str = ""
    style: str = ""


_WARZONE = "usr/share/games/warzone2100/music"
_UFOAI = "usr/share/games/ufoai/base/0music.pk3:music"

# A file belongs to the first album that it fits.
ALBUMS = (
    Album("asc", "asc-music", "usr/share/games/asc/music/*.mp3", "Michael Kievernagel"),
    # The music of the old game is called after its numbers, that of the new one is not.
    Album("colobot_gold", "colobot-common-sounds", "usr/share/games/colobot/music/[!m]*.ogg"),
    Album("colobot_original", "colobot-common-sounds", "usr/share/games/colobot/music/music*.ogg"),
    Album("drascula", "drascula-music", "usr/share/scummvm/drascula/audio/track*.ogg"),
    Album("fillets", "fillets-ng-data", "usr/share/games/fillets-ng/music/*.ogg"),
    Album("freedroidrpg", "freedroidrpg-data", "usr/share/freedroidrpg/data/sound/music/*.ogg"),
    Album("nexuiz", "nexuiz-music", "usr/share/games/nexuiz/data/music.pk3:sound/cdtracks/*.ogg"),
    Album("planetblupi", "planetblupi-music-ogg", "usr/share/planetblupi/music/*.ogg"),
    Album("supertux", "supertux-data", "usr/share/games/supertux2/music/*/*.ogg"),
    Album("ufoai_crystan", "ufoai-music", f"{_UFOAI}/Crystan*.ogg", "Christian Hoffmann"),
    Album("ufoai_david", "ufoai-music", f"{_UFOAI}/David*.ogg", "David Reeves"),
    Album("ufoai_marine", "ufoai-music", f"{_UFOAI}/Marine*.ogg"),
    Album("ufoai_psymong", "ufoai-music", f"{_UFOAI}/Psymong*.ogg", "Psymong"),
    Album("ufoai_vanethian", "ufoai-music", f"{_UFOAI}/van_*.ogg", "Manuel Marino"),
    Album("ufoai_various", "ufoai-music", f"{_UFOAI}/*.ogg"),
    Album("warzone_aftermath", "warzone2100-music", f"{_WARZONE}/albums/aftermath_soundtrack/*.opus", "", "electronic"),
    Album("warzone_legacy", "warzone2100-music", f"{_WARZONE}/albums/legacy_soundtrack/*.opus", "", "electronic"),
    Album("warzone_original", "warzone2100-music", f"{_WARZONE}/albums/original_soundtrack/*.opus", "", "electronic"),
    Album("warzone_menu", "warzone2100-music", f"{_WARZONE}/*.opus", "", "electronic"),
    Album("wesnoth", "wesnoth-1.16-music", "usr/share/games/wesnoth/*/data/core/music/*.ogg", style="orchestral"),
)
PACKAGES = tuple(sorted({album.package for album in ALBUMS}))

# Albums that share composers or themes are on one side: the two of colobot, all of warzone.
HELD_OUT = {
    "test": ("colobot_gold", "colobot_original", "drascula", "ufoai_vanethian"),
    "valid": ("ufoai_david", "ufoai_marine"),
}
_NO_MUSIC = {"nexuiz-thunder": "a sound effect", "wesnoth-silence": "silence"}
# What the tags hold where there is nothing to tell.
_NO_STYLE = ("", "(none)", "game", "game music", "game soundtrack", "music", "sound fx", "soundtrack")
_OTHER_NAMES = {
    "Gerd (elysis) Raudenbusch": "Gerd Raudenbusch",
    "elysis": "Gerd Raudenbusch",
    "www.elysis.de": "Gerd Raudenbusch",
}
_NO_COMPOSER = re.compile(r"|<unknown>|.*(www\.|https?:).*", re.IGNORECASE)


@dataclasses.dataclass
class DebianMusic:
    """The corpus below `root`."""

    root: Path
    albums: list[str] = dataclasses.field(default_factory=list)  # only these; empty: all

    def download(self) -> None:
        """Fetch the packages (1.2 GB). Raises: CorpusError if one cannot be had."""
        download_packages(self.root, PACKAGES)

    def utterances(self) -> Iterator[Utterance]:
        """List all tracks, album by album; the voice is the album.

        Raises: CorpusError if a package is missing or an album is empty.
        """
        check_packages(self.root, PACKAGES)
        names = [album.name for album in ALBUMS]
        if unknown := sorted(set(self.albums) - set(names)):
            raise CorpusError(f"there is no album {', '.join(unknown)}; there are {', '.join(names)}")
        split = {album: name for name, albums in HELD_OUT.items() for album in albums}
        listed: set[Source] = set()
        for album in ALBUMS:
            sources = [source for source in _sources(self.root, album) if source not in listed]
            if not sources:
                raise CorpusError(f"{album.package} has no file {album.files}: is it another version of the package?")
            listed.update(sources)
            if self.albums and album.name not in self.albums:
                continue
            for source in sources:
                path = Path(source.member) if source.member else source.path
                key = make_id(album.name, path.stem)
                yield Utterance(
                    key,
                    album.name,
                    "zxx",
                    source,
                    split=split.get(album.name, "train"),
                    drop_reason=_NO_MUSIC.get(key, ""),
                    labels={"package": album.package, "album": album.name, **_labels(album, source)},
                )


def _sources(root: Path, album: Album) -> list[Source]:
    pattern, _, members = album.files.partition(":")
    paths = sorted(package_folder(root, album.package).glob(pattern))
    if not members:
        return [Source(path) for path in paths]
    try:
        names = {path: sorted(zipfile.ZipFile(path).namelist()) for path in paths}
    except (OSError, zipfile.BadZipFile) as error:
        raise CorpusError(f"{album.package}: {paths} cannot be read: {error}") from error
    return [Source(path, member=name) for path in paths for name in names[path] if fnmatch.fnmatchcase(name, members)]


def _labels(album: Album, source: Source) -> dict[str, str]:
    """What is known of the album, and the file's tags tell of it."""
    try:
        with soundfile.SoundFile(io.BytesIO(source.read_bytes()) if source.member else source.path) as file:
            tags = {name: squeeze(value) for name, value in file.copy_metadata().items()}
    except (soundfile.LibsndfileError, OSError, zipfile.BadZipFile):  # converting it will tell what is wrong
        tags = {}
    composer, style = tags.get("artist", ""), tags.get("genre", "").lower()
    composer = _OTHER_NAMES.get(composer, composer)
    labels = {
        "title": tags.get("title", ""),
        "composer": album.composer or ("" if _NO_COMPOSER.fullmatch(composer) else composer),
        "style": album.style or ("" if style in _NO_STYLE else style),
    }
    return {name: value for name, value in labels.items() if value}
