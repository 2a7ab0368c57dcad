"""The packages of DebianSpeech in miniature."""

import gzip
import io
import random
import struct
from pathlib import Path

import soundfile

from audiovq.data.corpora.debian_speech import PACKAGES
from tests.miniature_files import SECONDS, noise, sound

G722_BYTES_PER_SECOND = 8000
VOICES = {
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f",
}


def put(root: Path, path: str, content: str | bytes = b"") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content.encode() if isinstance(content, str) else content)


def g722(name: str) -> bytes:
    """Any bytes are G.722: these are loud."""
    return random.Random(name).randbytes(int(SECONDS * G722_BYTES_PER_SECOND))


def mp3(name: str) -> bytes:
    """Noise that no other name has."""
    file = io.BytesIO()
    soundfile.write(file, noise(name, 16000), 16000, format="MP3")
    return file.getvalue()


def dialogue(joe: list[tuple[int, str]], person: list[tuple[int, str]]) -> bytes:
    """A .DOG file of key 7 whose records start after a head without pictures."""

    def records(lines: list[tuple[int, str]], start: int) -> bytes:
        data = b""
        for number, words in lines:
            data += struct.pack(">HHB", 0, number, len(words)) + words.encode("latin1")
            data += b"\0" * (-(start + len(data)) % 4 if words else 0)
        return data

    joe_records = records(joe, 32)
    person_offset = 32 + len(joe_records)
    head = struct.pack(">5h12x3H", 0, 0, 7, len(joe), len(person), person_offset, 0, 0).ljust(32, b"\0")
    return b"\0" * 20 + head + joe_records + records(person, person_offset)


def archive(files: dict[str, bytes]) -> bytes:
    table, body = b"", b""
    start = 15 + 21 * len(files)
    for name, content in files.items():
        table += struct.pack(">12sBII", name.encode(), 0, start + len(body), len(content))
        body += content
    return b"QTBL" + b"cPE100" + b"\0\0" + b"\1" + struct.pack(">H", len(files)) + table + body


def debian_speech(root: Path) -> None:
    for package in PACKAGES:
        (root / package / "usr/share/doc" / package).mkdir(parents=True)
    for language, voice in VOICES.items():
        package = f"asterisk-core-sounds-{language}"
        listing = "; comment: no\ndigits/1: One: or a.\nbeep: [this is a simple beep tone]\n"
        documents = f"{package}/usr/share/doc/{package}"
        put(root, f"{documents}/core-sounds-{language}.txt.gz", gzip.compress(listing.encode()))
        sounds = f"{package}-g722/usr/share/asterisk/sounds/{voice}"
        for key in ("digits/1", "beep", "silence/3", "at-tone-time-exactly"):
            put(root, f"{sounds}/{key}.g722", g722(f"{language} {key}"))
    festvox = "festvox-ru/usr/share/festival/voices/russian/msu_ru_nsh_clunits"
    put(root, f"{festvox}/etc/txt.done.data", '( ru_0001 "Ид+и\n же." )\n( ru_0002 "Да." )\n')
    sound(root / f"{festvox}/wav/ru_0001.wav", 16000)
    sound(root / f"{festvox}/wav/ru_0003.wav", 16000)
    scripts = "fillets-ng-data/usr/share/games/fillets-ng/script"
    put(root, f"{scripts}/city/dialogs_nl.lua", 'dialogId("vit-x", "font_big", "En")\ndialogStr("Zeg \\"ja\\".")\n')
    put(root, f"{scripts}/share/border_cs.lua", 'dialogId("bor-y", "font_white", "En")\ndialogStr("Ano.")\n')
    sound(root / "fillets-ng-data-nl/usr/share/games/fillets-ng/sound/city/nl/vit-x.ogg", 16000)
    sound(root / "fillets-ng-data-nl/usr/share/games/fillets-ng/sound/city/nl/vit-m-z.ogg", 16000)
    sound(root / "fillets-ng-data-cs/usr/share/games/fillets-ng/sound/share/cs/bor-y.ogg", 16000)
    stamps = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps/animals"
    put(root, f"{stamps}/cat.txt", "A cat.\nel.utf8=Γάτα.\npt_BR.utf8=Um gato.\n")
    for name in ("cat_desc.ogg", "cat_desc_el.ogg", "cat_desc_pt_BR.wav", "cat_desc_da.ogg.ogg", "cat.ogg"):
        sound(root / f"{stamps}/{name}", 16000)
    klettres = "klettres-data/usr/share/klettres"
    for language in ("lt", "ml"):
        put(root, f"{klettres}/{language}/sounds.xml", f'<sound name="Ą" file="{language}/alpha/a-2.ogg" />\n')
        sound(root / f"{klettres}/{language}/alpha/a-2.ogg", 16000)
    sound(root / "ktuberling-data/usr/share/ktuberling/sounds/sr@latin/eye.opus", 16000)
    sound(root / "gcin-voice/usr/share/gcin-voice/ogg/ㄅㄚ1/3.ogg", 16000)
    queen = {
        "T7.DOG": dialogue(
            joe=[(2, "Hi.*XY12345678901There  you are."), (11, "")], person=[(3, "No."), (1, "*AA*BBX")]
        ),
        "070002J1.SB": mp3("070002J1"),
        "070002J2.SB": mp3("070002J2"),
        "070003P1.SB": mp3("070003P1"),
        "070001P3.SB": mp3("070001P3"),
        "JOE1.SB": mp3("JOE1"),
        "EMPTY.SB": b"",
    }
    put(root, "flight-of-the-amazon-queen/usr/share/scummvm/flight-of-the-amazon-queen/queen.1c", archive(queen))
