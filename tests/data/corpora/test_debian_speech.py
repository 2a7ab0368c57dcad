"""The packages in miniature: their folders and listings, with empty files for sound."""

import gzip
import struct
from pathlib import Path

import pytest

from audiovq.data.corpora.debian_speech import HELD_OUT, PACKAGES, DebianSpeech
from audiovq.data.corpora.queen import read_archive
from audiovq.data.corpora.utterance import CorpusError, Utterance

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("packages")
    for package in PACKAGES:
        (root / package / "usr/share/doc" / package).mkdir(parents=True)
    for language, voice in VOICES.items():
        package = f"asterisk-core-sounds-{language}"
        listing = "; comment: no\ndigits/1: One: or a.\nbeep: [this is a simple beep tone]\n"
        documents = f"{package}/usr/share/doc/{package}"
        put(root, f"{documents}/core-sounds-{language}.txt.gz", gzip.compress(listing.encode()))
        sounds = f"{package}-g722/usr/share/asterisk/sounds/{voice}"
        for key in ("digits/1", "beep", "silence/3", "at-tone-time-exactly"):
            put(root, f"{sounds}/{key}.g722")
    festvox = "festvox-ru/usr/share/festival/voices/russian/msu_ru_nsh_clunits"
    put(root, f"{festvox}/etc/txt.done.data", '( ru_0001 "Ид+и\n же." )\n( ru_0002 "Да." )\n')
    put(root, f"{festvox}/wav/ru_0001.wav")
    put(root, f"{festvox}/wav/ru_0003.wav")
    scripts = "fillets-ng-data/usr/share/games/fillets-ng/script"
    put(root, f"{scripts}/city/dialogs_nl.lua", 'dialogId("vit-x", "font_big", "En")\ndialogStr("Zeg \\"ja\\".")\n')
    put(root, f"{scripts}/share/border_cs.lua", 'dialogId("bor-y", "font_white", "En")\ndialogStr("Ano.")\n')
    put(root, "fillets-ng-data-nl/usr/share/games/fillets-ng/sound/city/nl/vit-x.ogg")
    put(root, "fillets-ng-data-nl/usr/share/games/fillets-ng/sound/city/nl/vit-m-z.ogg")
    put(root, "fillets-ng-data-cs/usr/share/games/fillets-ng/sound/share/cs/bor-y.ogg")
    stamps = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps/animals"
    put(root, f"{stamps}/cat.txt", "A cat.\nel.utf8=Γάτα.\npt_BR.utf8=Um gato.\n")
    for name in ("cat_desc.ogg", "cat_desc_el.ogg", "cat_desc_pt_BR.wav", "cat_desc_da.ogg.ogg", "cat.ogg"):
        put(root, f"{stamps}/{name}")
    klettres = "klettres-data/usr/share/klettres"
    for language in ("lt", "ml"):
        put(root, f"{klettres}/{language}/sounds.xml", f'<sound name="Ą" file="{language}/alpha/a-2.ogg" />\n')
        put(root, f"{klettres}/{language}/alpha/a-2.ogg")
    put(root, "ktuberling-data/usr/share/ktuberling/sounds/sr@latin/eye.opus")
    put(root, "gcin-voice/usr/share/gcin-voice/ogg/ㄅㄚ1/3.ogg")
    queen = {
        "T7.DOG": dialogue(
            joe=[(2, "Hi.*XY12345678901There  you are."), (11, "")], person=[(3, "No."), (1, "*AA*BBX")]
        ),
        "070002J1.SB": b"mp3-1",
        "070002J2.SB": b"mp3-22",
        "070003P1.SB": b"mp3-333",
        "070001P3.SB": b"mp3",
        "JOE1.SB": b"mp3-4444",
        "EMPTY.SB": b"",
    }
    put(root, "flight-of-the-amazon-queen/usr/share/scummvm/flight-of-the-amazon-queen/queen.1c", archive(queen))
    return root


@pytest.fixture(scope="module")
def listed(root: Path) -> dict[str, Utterance]:
    return {utterance.id: utterance for utterance in DebianSpeech(root).utterances()}


def test_every_recording_is_listed_once(root: Path, listed: dict[str, Utterance]) -> None:
    assert len(listed) == len(list(DebianSpeech(root).utterances())) == 38


@pytest.mark.parametrize(
    "key, speaker, language, text",
    [
        ("en_asterisk_allison-digits-1", "en_asterisk_allison", "en", "One: or a."),
        ("fr_asterisk_june-at-tone-time-exactly", "fr_asterisk_june", "fr", ""),
        ("ru_festvox_nsh-ru_0001", "ru_festvox_nsh", "ru", "Иди же."),
        ("ru_festvox_nsh-ru_0003", "ru_festvox_nsh", "ru", ""),
        ("nl_fillets_big-city-vit-x", "nl_fillets_big", "nl", 'Zeg "ja".'),
        ("nl_fillets_small-city-vit-m-z", "nl_fillets_small", "nl", ""),
        ("cs_fillets_other-share-bor-y", "cs_fillets_other", "cs", "Ano."),
        ("en_tuxpaint-animals-cat_desc", "en_tuxpaint", "en", "A cat."),
        ("el_tuxpaint-animals-cat_desc_el", "el_tuxpaint", "el", "Γάτα."),
        ("pt_BR_tuxpaint-animals-cat_desc_pt_BR", "pt_BR_tuxpaint", "pt_BR", "Um gato."),
        ("da_tuxpaint-animals-cat_desc_da_ogg", "da_tuxpaint", "da", ""),
        ("lt_klettres-alpha-a-2", "lt_klettres", "lt", "Ą"),
        ("sr@latin_ktuberling-eye", "sr@latin_ktuberling", "sr@latin", ""),
        ("zh_gcin_spk3-ㄅㄚ1", "zh_gcin_spk3", "zh", "ㄅㄚ1"),
        ("en_queen_joe-070002J1", "en_queen_joe", "en", "Hi."),
        ("en_queen_joe-070002J2", "en_queen_joe", "en", "There you are."),
        ("en_queen_other-070003P1", "en_queen_other", "en", "No."),
        ("en_queen_other-070001P3", "en_queen_other", "en", "X"),
        ("en_queen_joe-JOE1", "en_queen_joe", "en", ""),
    ],
)
def test_voice_language_and_text(
    listed: dict[str, Utterance], key: str, speaker: str, language: str, text: str
) -> None:
    utterance = listed[key]
    assert (utterance.speaker, utterance.language, utterance.text) == (speaker, language, text)
    assert not utterance.drop_reason


def test_sounds_inside_the_archive_are_byte_ranges(root: Path, listed: dict[str, Utterance]) -> None:
    source = listed["en_queen_joe-070002J2"].source
    assert source.num_bytes is not None
    assert source.path.read_bytes()[source.offset_bytes :][: source.num_bytes] == b"mp3-22"


def test_what_is_no_speech_stays_listed_with_a_reason(listed: dict[str, Utterance]) -> None:
    dropped = {key for key, utterance in listed.items() if utterance.drop_reason}
    voices = (
        "en_asterisk_allison",
        "es_asterisk_allison",
        "fr_asterisk_june",
        "it_asterisk_carlo",
        "ru_asterisk_ivrvoice",
    )
    tones = {f"{voice}-{key}" for voice in voices for key in ("beep", "silence-3")}
    assert dropped == tones | {"ml_klettres-alpha-a-2"}


def test_held_out_voices_and_their_languages_are_not_in_train(listed: dict[str, Utterance]) -> None:
    held_out = [speaker for speakers in HELD_OUT.values() for speaker in speakers]
    assert len(set(held_out)) == len(held_out)
    assert listed["en_asterisk_allison-digits-1"].split == listed["es_asterisk_allison-digits-1"].split == "test"
    assert listed["lt_klettres-alpha-a-2"].split == "valid"
    assert listed["ru_festvox_nsh-ru_0001"].split == "train"
    for utterance in listed.values():
        assert (utterance.split == "train") == (utterance.speaker not in held_out)


def test_missing_packages_are_named_with_what_to_do(root: Path) -> None:
    (root / "gcin-voice/usr/share/doc/gcin-voice").rmdir()
    message = (
        r"1 of 19 Debian packages are not in .*: gcin-voice. For each of them get NAME_\*.deb \(apt-get download NAME"
    )
    with pytest.raises(CorpusError, match=message):
        list(DebianSpeech(root).utterances())


def test_the_silent_version_of_the_game_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queen.1").write_bytes(b"something else")
    with pytest.raises(CorpusError, match="not an archive of the talking version"):
        read_archive(tmp_path / "queen.1")
