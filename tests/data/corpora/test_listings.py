"""What each corpus lists of its copy in miniature, and what it says when something is wrong."""

import inspect
import json
import pydoc
import zipfile
from pathlib import Path

import pytest
import soundfile

from audiovq.data.convert import decode
from audiovq.data.corpora import CORPORA
from audiovq.data.corpora.commonvoice import CommonVoice
from audiovq.data.corpora.debian_music import ALBUMS, HELD_OUT, DebianMusic
from audiovq.data.corpora.fma import FMA
from audiovq.data.corpora.gtzan import Gtzan
from audiovq.data.corpora.jsut import JSUT
from audiovq.data.corpora.librispeech import LibriSpeech
from audiovq.data.corpora.libritts import LibriTTS
from audiovq.data.corpora.ljspeech import LJSpeech
from audiovq.data.corpora.maestro import Maestro
from audiovq.data.corpora.musdb18 import Musdb18
from audiovq.data.corpora.nsynth import NSynth
from audiovq.data.corpora.utterance import SPLITS, Corpus, CorpusError, Utterance
from audiovq.data.corpora.vctk import VCTK
from tests.miniature_corpora import MINIATURES

DOWNLOADABLE = ("aishell3", "commonvoice", "gtzan", "librispeech", "libritts", "ljspeech", "musdb18", "vctk")
BY_HAND = ("fma", "jsut", "maestro", "nsynth")


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("corpora")
    for name, make in MINIATURES.items():
        make(folder / name)
    return {name: folder / name for name in MINIATURES}


def corpus_at(name: str, root: Path) -> Corpus:
    return CORPORA[name](root)  # type: ignore[call-arg]  # what all have in common


def listing(corpus: Corpus) -> dict[str, Utterance]:
    utterances = list(corpus.utterances())
    listed = {utterance.id: utterance for utterance in utterances}
    assert len(listed) == len(utterances)
    return listed


def test_every_corpus_has_a_miniature() -> None:
    assert set(MINIATURES) == set(CORPORA)


@pytest.mark.parametrize("name", MINIATURES)
def test_each_split_has_recordings_that_can_be_read(name: str, roots: dict[str, Path]) -> None:
    listed = listing(corpus_at(name, roots[name])).values()
    assert {utterance.split for utterance in listed} == set(SPLITS)
    for utterance in listed:
        assert decode(utterance.source)[0].shape[1] > 0


@pytest.mark.parametrize("name", MINIATURES)
def test_sorted_by_utterance_is_sorted_by_speaker(name: str, roots: dict[str, Path]) -> None:
    listed = listing(corpus_at(name, roots[name]))
    speakers = [listed[key].speaker.encode() for key in sorted(listed, key=str.encode)]
    assert speakers == sorted(speakers)
    assert all(key.startswith(utterance.speaker) for key, utterance in listed.items())


@pytest.mark.parametrize(
    "name, key, speaker, language, split, text",
    [
        ("ljspeech", "LJ001-0001", "LJ", "en", "train", 'In fourteen fifty-five, "said" it'),
        ("ljspeech", "LJ049-0001", "LJ", "en", "valid", 'In fourteen fifty-five, "said" it'),
        ("ljspeech", "LJ050-0001", "LJ", "en", "test", 'In fourteen fifty-five, "said" it'),
        ("librispeech", "103-1240-0001", "103", "en", "train", "CHAPTER ONE 1"),
        ("librispeech", "84-121123-0000", "84", "en", "valid", "CHAPTER ONE 0"),
        ("librispeech", "1089-134686-0000", "1089", "en", "test", "CHAPTER ONE 0"),
        ("libritts", "103-1241_000000_000001", "103", "en", "train", "matthew Cuthbert is surprised."),
        ("libritts", "84-121123_000000_000001", "84", "en", "valid", "matthew Cuthbert is surprised."),
        ("vctk", "s5_001", "s5", "en", "valid", "Please call Stella."),
        ("vctk", "p315_001", "p315", "en", "train", ""),
        ("jsut", "jsut-BASIC5000_0002", "jsut", "ja", "valid", "水をマレーシアから買わなくてはならないのです。"),
        ("aishell3", "SSB00730001", "SSB0073", "zh", "test", "广州"),
        (
            "commonvoice",
            "cy_0000000000000000-common_voice_cy_17890",
            "cy_0000000000000000",
            "cy",
            "train",
            'Mae hen "wlad',
        ),
        (
            "commonvoice",
            "cy_1111111111111111-common_voice_cy_17891",
            "cy_1111111111111111",
            "cy",
            "valid",
            'Mae hen "wlad',
        ),
        (
            "maestro",
            "Frédéric_Chopin-2018-MIDI-Unprocessed_Chamber3_MID--AUDIO_validation_wav--1",
            "Frédéric_Chopin",
            "zxx",
            "valid",
            "",
        ),
        ("musdb18", "A_Classic_Education-NightOwl-mixture", "A_Classic_Education", "und", "train", ""),
        ("musdb18", "ANiMAL-Rockshow-mixture", "ANiMAL", "und", "valid", ""),
        ("musdb18", "AM_Contra-Heart_Peripheral-mixture", "AM_Contra", "und", "test", ""),
        ("gtzan", "blues-00029", "blues", "und", "train", ""),
        ("gtzan", "blues-00012", "blues", "und", "test", ""),
        ("fma", "artist21-000002", "artist21", "und", "train", ""),
        ("fma", "artist1401-000140", "artist1401", "und", "test", ""),
        ("nsynth", "organ_electronic_001-022-050", "organ_electronic_001", "zxx", "valid", ""),
        ("rendered_scores", "bach-bwv1_6", "bach", "zxx", "test", ""),
        ("rendered_scores", "palestrina-Gloria_01", "palestrina", "zxx", "valid", ""),
        ("rendered_scores", "airdsAirs-book1-1", "airdsAirs", "zxx", "train", ""),
        ("debian_music", "drascula-trackone", "drascula", "zxx", "test", ""),
        ("debian_music", "ufoai_marine-Marineone", "ufoai_marine", "zxx", "valid", ""),
    ],
)
def test_voice_language_split_and_text(
    name: str, key: str, speaker: str, language: str, split: str, text: str, roots: dict[str, Path]
) -> None:
    utterance = listing(corpus_at(name, roots[name]))[key]
    found = (utterance.speaker, utterance.language, utterance.split, utterance.text)
    assert found == (speaker, language, split, text)
    assert not utterance.drop_reason


@pytest.mark.parametrize(
    "name, start, labels",
    [
        ("commonvoice", "cy_0", {"gender": "female"}),
        ("maestro", "Fr", {"composer": "Frédéric Chopin", "title": "Sonata, Op. 1", "year": "2018"}),
        ("musdb18", "ANiMAL", {"artist": "ANiMAL", "title": "Rockshow", "stem": "mixture"}),
        ("gtzan", "blues", {"genre": "blues"}),
        ("fma", "artist21", {"genre": "Hip-Hop", "artist": "AWOL,\nMen", "title": "Food"}),
        ("fma", "artist51", {"artist": "AWOL,\nMen", "title": "Food"}),
        (
            "nsynth",
            "bass",
            {"instrument_family": "bass", "instrument_source": "synthetic", "pitch": "22", "velocity": "50"},
        ),
        (
            "rendered_scores",
            "bach-bwv10_1",
            {
                "composer": "Johann Sebastian Bach",
                "key": "G major",
                "meter": "4/4",
                "bpm": "88 bpm",
                "instrument": "choir",
            },
        ),
        (
            "debian_music",
            "warzone_legacy",
            {
                "package": "warzone2100-music",
                "album": "warzone_legacy",
                "composer": "A composer of warzone_legacy",
                "style": "electronic",
            },
        ),
        (
            "debian_music",
            "ufoai_crystan",
            {"package": "ufoai-music", "album": "ufoai_crystan", "composer": "Christian Hoffmann", "style": "ambient"},
        ),
    ],
)
def test_labels(name: str, start: str, labels: dict[str, str], roots: dict[str, Path]) -> None:
    listed = listing(corpus_at(name, roots[name]))
    assert [dict(listed[key].labels) for key in listed if key.startswith(start)][:1] == [labels]


def test_the_corpus_may_also_be_the_root_itself(roots: dict[str, Path]) -> None:
    assert len(listing(LJSpeech(roots["ljspeech"] / "LJSpeech-1.1"))) == 4


def test_parts_and_languages_can_be_chosen(roots: dict[str, Path]) -> None:
    assert {u.split for u in LibriSpeech(roots["librispeech"], ["dev-clean"]).utterances()} == {"valid"}
    with pytest.raises(CorpusError, match=r"train-clean-360/\*/\*/\*.wav. Get it from https://www.openslr.org/60"):
        list(LibriTTS(roots["libritts"], ["train-clean-360"]).utterances())
    with pytest.raises(CorpusError, match=r"eu/train.tsv"):
        list(CommonVoice(roots["commonvoice"], ["cy", "eu"]).utterances())


def test_variants_of_a_score_are_for_training_alone(tmp_path: Path) -> None:
    MINIATURES["rendered_scores"](tmp_path)
    before = listing(CORPORA["rendered_scores"](tmp_path))  # type: ignore[call-arg]
    for name in ("bach/bwv1.6", "bach/bwv10.7", "palestrina/Gloria_01", "airdsAirs/book1", "ryansMammoth/TheReel"):
        for number in (1, 12):
            (tmp_path / f"{name}_variant{number}.json").write_text((tmp_path / f"{name}.json").read_text())
    after = listing(CORPORA["rendered_scores"](tmp_path))  # type: ignore[call-arg]
    assert {key: after[key] for key in before} == before
    new = {key: after[key].split for key in after.keys() - before.keys()}
    held_out = {key for key, utterance in before.items() if utterance.split != "train"}
    assert {"bach-bwv10_7_variant12", "airdsAirs-book1_variant1-1"} <= new.keys() and set(new.values()) == {"train"}
    assert not {key for key in new if any(key.startswith(each.removesuffix("-1")) for each in held_out)}


def test_the_second_microphone_and_the_stems_are_other_files(roots: dict[str, Path]) -> None:
    assert {u.source.path.stem[-4:] for u in VCTK(roots["vctk"], microphone=2).utterances()} == {"mic2"}
    listed = listing(Musdb18(roots["musdb18"], ["mixture", "drums"]))
    assert {u.source.path.name for u in listed.values()} == {"mixture.wav", "drums.wav"} and len(listed) == 6
    with pytest.raises(CorpusError, match=r"stems is \['drum'\], expected some of mixture, bass"):
        Musdb18(roots["musdb18"], ["drum"])


def test_clips_with_faults_stay_listed_with_a_reason(roots: dict[str, Path]) -> None:
    reasons = {key: utterance.drop_reason for key, utterance in listing(Gtzan(roots["gtzan"])).items()}
    assert reasons.pop("jazz-00033").startswith("not in the fault-filtered split")
    assert not any(reasons.values())


def test_albums_are_on_one_side(roots: dict[str, Path]) -> None:
    names = {album.name for album in ALBUMS}
    assert {album for albums in HELD_OUT.values() for album in albums} <= names
    listed = listing(DebianMusic(roots["debian_music"]))
    assert {utterance.speaker for utterance in listed.values()} == names
    split = {utterance.speaker: utterance.split for utterance in listed.values()}
    assert split["colobot_gold"] == split["colobot_original"] == "test"
    assert len({split[name] for name in names if name.startswith("warzone")}) == 1


def test_albums_that_are_named_are_all_there_is(roots: dict[str, Path]) -> None:
    listed = listing(DebianMusic(roots["debian_music"], albums=["ufoai_david", "nexuiz", "ufoai_various"]))
    whole = listing(DebianMusic(roots["debian_music"]))
    named = {key for key, utterance in whole.items() if utterance.speaker in ("ufoai_david", "nexuiz", "ufoai_various")}
    assert set(listed) == named
    with pytest.raises(CorpusError, match="there is no album nexus; there are asc, colobot_gold"):
        list(DebianMusic(roots["debian_music"], albums=["nexus"]).utterances())


def test_a_member_of_an_archive_is_read_from_it(roots: dict[str, Path]) -> None:
    (source,) = [u.source for u in DebianMusic(roots["debian_music"]).utterances() if u.speaker == "ufoai_david"]
    wave, sample_rate = decode(source)
    original, _ = soundfile.read(roots["debian_music"] / "members/ufoai-music" / source.member, always_2d=True)
    assert (wave.shape, sample_rate) == (original.T.shape, 44100)
    assert str(source).endswith("0music.pk3 (music/Davidone.ogg)")


def test_a_package_without_its_music_is_named(tmp_path: Path) -> None:
    MINIATURES["debian_music"](tmp_path)
    with zipfile.ZipFile(tmp_path / "nexuiz-music/usr/share/games/nexuiz/data/music.pk3", "w"):
        pass
    with pytest.raises(CorpusError, match=r"nexuiz-music has no file .*music.pk3:sound/cdtracks/\*.ogg"):
        list(DebianMusic(tmp_path).utterances())


def test_what_macos_left_in_libritts_r_is_no_recording(tmp_path: Path) -> None:
    MINIATURES["libritts"](tmp_path)
    before = listing(LibriTTS(tmp_path))
    for path in list(tmp_path.rglob("*.wav")):
        path.with_name(f"._{path.name}").write_bytes(b"Mac OS X")
    assert listing(LibriTTS(tmp_path)) == before


@pytest.mark.parametrize("name", [*DOWNLOADABLE, *BY_HAND])
def test_a_missing_corpus_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"does not hold the corpus: expected .*\. Get it from http"):
        list(corpus_at(name, tmp_path).utterances())


@pytest.mark.parametrize("name", BY_HAND)
def test_what_no_library_fetches_has_to_be_fetched_by_hand(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"has to be downloaded by hand: get it from http"):
        corpus_at(name, tmp_path).download()


@pytest.mark.parametrize(
    "function, corpus, settings, arguments",
    [
        ("lhotse.recipes.ljspeech.download_ljspeech", LJSpeech, {}, ""),
        ("lhotse.recipes.librispeech.download_librispeech", LibriSpeech, {}, "librispeech"),
        ("lhotse.recipes.librispeech.download_librispeech", LibriSpeech, {"parts": ["dev-clean"]}, "['dev-clean']"),
        ("lhotse.recipes.libritts.download_libritts", LibriTTS, {}, "use_librittsr=False dataset_parts=all"),
        ("lhotse.recipes.aishell3.download_aishell3", CORPORA["aishell3"], {}, ""),
        (
            "lhotse.recipes.commonvoice.download_commonvoice",
            CommonVoice,
            {"languages": ["cy"]},
            "['cy'] release=cv-corpus-13.0-2023-03-09",
        ),
        ("torchaudio.datasets.VCTK_092", VCTK, {}, "download=True"),
        ("torchaudio.datasets.MUSDB_HQ", Musdb18, {}, "train download=True"),
        ("torchaudio.datasets.GTZAN", Gtzan, {}, "download=True"),
    ],
)
def test_a_download_is_asked_of_the_library_and_its_failure_told(
    function: str,
    corpus: type[Corpus],
    settings: dict[str, object],
    arguments: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    signature = inspect.signature(pydoc.locate(function))  # type: ignore[arg-type]  # a function or a class

    def stand_in(folder: str | Path, *positional: object, **named: object) -> None:
        signature.bind(folder, *positional, **named)
        calls.append((Path(folder), " ".join([*map(str, positional), *(f"{k}={v}" for k, v in named.items())])))
        if len(calls) > 1:
            raise OSError("no route to host")

    monkeypatch.setattr(function, stand_in)
    made = corpus(tmp_path / "new", **settings)  # type: ignore[call-arg]
    made.download()
    assert calls == [(tmp_path / "new", arguments)] and (tmp_path / "new").is_dir()
    with pytest.raises(CorpusError, match=r"the download failed: no route to host. Get it from http.* unpack it in"):
        made.download()


def test_common_voice_wants_to_know_the_languages(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"for example corpus.languages=\[cy\]"):
        CommonVoice(tmp_path).download()


@pytest.mark.parametrize(
    "name, file, content, message",
    [
        ("ljspeech", "LJSpeech-1.1/metadata.csv", "LJ001-0001|only", r"metadata.csv:1: expected ID\|TEXT\|NORMALISED"),
        (
            "jsut",
            "jsut_ver1.1/basic5000/transcript_utf8.txt",
            "A:x\nA:y",
            r"transcript_utf8.txt:2: expected NEW_ID:TEXT",
        ),
        ("aishell3", "train/content.txt", "SSB00050001.wav 广", r"content.txt:1: expected NAME.wav, a tab"),
        ("commonvoice", "cv-corpus-13.0-2023-03-09/cy/dev.tsv", "client_id\tpath\n", r"dev.tsv has no column sentence"),
        (
            "commonvoice",
            "cv-corpus-13.0-2023-03-09/cy/dev.tsv",
            "client_id\tpath\tsentence\n1\tx.mp3\n",
            r"dev.tsv: row 2 has 2 cells, expected 3",
        ),
        ("maestro", "maestro-v3.0.0/maestro-v3.0.0.csv", b"\xff\n", r"v3.0.0.csv is not a table of UTF-8 text"),
        ("fma", "fma_metadata/tracks.csv", "", r"tracks.csv has no column track_id"),
        ("nsynth", "nsynth-test/examples.json", '{"a": ', r"examples.json is not whole JSON"),
        ("librispeech", "LibriSpeech/dev-clean/84/121123/84-121123.trans.txt", b"\xff\n", r"is not UTF-8 text"),
    ],
)
def test_a_damaged_table_is_named(name: str, file: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    MINIATURES[name](tmp_path)
    (tmp_path / file).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CorpusError, match=message):
        list(corpus_at(name, tmp_path).utterances())


def test_a_track_without_metadata_is_named(tmp_path: Path) -> None:
    MINIATURES["fma"](tmp_path)
    (tmp_path / "fma_small/000/000002.mp3").rename(tmp_path / "fma_small/000/000009.mp3")
    with pytest.raises(CorpusError, match=r"000009.mp3 is not in .*tracks.csv"):
        list(FMA(tmp_path).utterances())


def test_a_part_of_another_name_is_no_split(tmp_path: Path) -> None:
    MINIATURES["nsynth"](tmp_path)
    (tmp_path / "nsynth-test").rename(tmp_path / "nsynth-extra")
    with pytest.raises(CorpusError, match=r"'extra' is the name of no known split"):
        list(NSynth(tmp_path).utterances())


def test_a_very_long_cell_is_read(tmp_path: Path) -> None:
    MINIATURES["maestro"](tmp_path)
    path = tmp_path / "maestro-v3.0.0/maestro-v3.0.0.csv"
    path.write_text(path.read_text("utf-8").replace("Sonata, Op. 1", "x" * 200_000), "utf-8")
    assert {len(u.labels["title"]) for u in Maestro(tmp_path).utterances()} == {200_000}


def test_the_draw_does_not_change(roots: dict[str, Path]) -> None:
    assert json.dumps({key: u.split for key, u in listing(JSUT(roots["jsut"])).items()}) == (
        '{"jsut-BASIC5000_0001": "test", "jsut-BASIC5000_0002": "valid", "jsut-ONOMATOPEE300_001": "train"}'
    )
