"""What is listed of the packages in miniature."""

from pathlib import Path

import pytest

from audiovq.data.corpora.debian_speech import HELD_OUT, DebianSpeech
from audiovq.data.corpora.queen import read_archive
from audiovq.data.corpora.utterance import CorpusError, Utterance
from tests.miniature_debian_speech import debian_speech, mp3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    debian_speech(folder)
    return folder


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
    assert source.path.read_bytes()[source.offset_bytes :][: source.num_bytes] == mp3("070002J2")


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
