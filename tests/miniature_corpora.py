"""Corpora in miniature: the true folders and names of files, tables of a few lines, and a moment of noise a file."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from audiovq.data.corpora.debian_music import ALBUMS, PACKAGES
from tests.miniature_debian_speech import debian_speech
from tests.miniature_files import sound, table, words


def ljspeech(root: Path) -> None:
    folder = root / "LJSpeech-1.1"
    keys = ("LJ001-0001", "LJ001-0002", "LJ049-0001", "LJ050-0001")
    words(folder / "metadata.csv", *(f'{key}|In 1455, "said" {key}|In fourteen fifty-five, "said" it' for key in keys))
    for key in keys:
        sound(folder / f"wavs/{key}.wav", 22050)


def librispeech(root: Path) -> None:
    for part, chapter in (("train-clean-100", "103-1240"), ("dev-clean", "84-121123"), ("test-clean", "1089-134686")):
        speaker, number = chapter.split("-")
        folder = root / "LibriSpeech" / part / speaker / number
        words(folder / f"{chapter}.trans.txt", *(f"{chapter}-000{take} CHAPTER ONE {take}" for take in range(2)))
        for take in range(2):
            sound(folder / f"{chapter}-000{take}.flac", 16000)


def libritts(root: Path) -> None:
    for part, chapter in (("train-clean-100", "103_1241"), ("dev-clean", "84_121123"), ("test-clean", "1034_134686")):
        speaker, number = chapter.split("_")
        path = root / "LibriTTS" / part / speaker / number / f"{chapter}_000000_000001.wav"
        sound(path, 24000)
        words(path.with_suffix(".normalized.txt"), "matthew Cuthbert is surprised.")
        words(path.with_suffix(".original.txt"), "matthew Cuthbert is surprised")
        texts = ("matthew Cuthbert is surprised", "matthew Cuthbert is surprised.")
        words(path.with_name(f"{chapter}.trans.tsv"), "\t".join((path.stem, *texts)))
        words(path.with_name(f"{chapter}.book.tsv"), "\t".join((path.stem, *texts, "0", "21.5")))
    words(
        root / "LibriTTS/SPEAKERS.txt", ";ID  |SEX| SUBSET           |MINUTES| NAME", "84 | F | dev-clean | 8.02 | Ann"
    )


def vctk(root: Path) -> None:
    folder = root / "VCTK-Corpus-0.92"
    header, *known = "ID  AGE  GENDER  ACCENTS  REGION COMMENTS ", "p225  23  F    English    Southern  England"
    words(folder / "speaker-info.txt", header, *known, *(f"{key}  22  M    English" for key in ("p226", "p315", "s5")))
    for speaker in ("p225", "p226", "p315", "s5"):
        for microphone in (1, 2):
            sound(folder / f"wav48_silence_trimmed/{speaker}/{speaker}_001_mic{microphone}.flac", 48000)
        if speaker != "p315":
            words(folder / f"txt/{speaker}/{speaker}_001.txt", "Please call Stella.")


def jsut(root: Path) -> None:
    folder = root / "jsut_ver1.1"
    for part, keys in (("basic5000", ("BASIC5000_0001", "BASIC5000_0002")), ("onomatopee300", ("ONOMATOPEE300_001",))):
        words(
            folder / part / "transcript_utf8.txt",
            *(f"{key}:水をマレーシアから買わなくてはならないのです。" for key in keys),
        )
        for key in keys:
            sound(folder / part / f"wav/{key}.wav", 48000)


def aishell3(root: Path) -> None:
    words(root / "spk-info.txt", "# AISHELL-3 speakers", "SSB0005\tB\tfemale\tnorth", "SSB0073\tB\tmale\tsouth")
    words(root / "train/label_train-set.txt", "# labels", "SSB00050001|guang3 zhou1 $|广 州 $")
    for part, speakers in (("train", ("SSB0005", "SSB0009")), ("test", ("SSB0073",))):
        words(root / part / "content.txt", *(f"{speaker}0001.wav\t广 guang3 州 zhou1" for speaker in speakers))
        for speaker in speakers:
            sound(root / part / f"wav/{speaker}/{speaker}0001.wav", 44100)


def commonvoice(root: Path) -> None:
    header = ["client_id", "path", "sentence", "up_votes", "down_votes", "age", "gender", "accents"]
    header += ["variant", "locale", "segment"]
    folder = root / "cv-corpus-13.0-2023-03-09/cy"
    for number, part in enumerate(("train", "dev", "test")):
        name = f"common_voice_cy_1789{number}.mp3"
        row = [f"{number}" * 128, name, 'Mae hen "wlad', "2", "0", "", "female", "", "", "cy", ""]
        table(folder / f"{part}.tsv", [header, row], "\t")
        sound(folder / "clips" / name, 32000)
    table(folder / "invalidated.tsv", [header], "\t")


def maestro(root: Path) -> None:
    folder = root / "maestro-v3.0.0"
    header = ["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration"]
    rows = [header]
    for split, composer in (("train", "Alban Berg"), ("validation", "Frédéric Chopin"), ("test", "Alban Berg")):
        name = f"2018/MIDI-Unprocessed_Chamber3_MID--AUDIO_{split}_wav--1"
        rows.append([composer, "Sonata, Op. 1", split, "2018", f"{name}.midi", f"{name}.wav", "0.4"])
        sound(folder / f"{name}.wav", 44100, 2)
    table(folder / "maestro-v3.0.0.csv", rows)


def musdb18(root: Path) -> None:
    for song in (
        "train/A Classic Education - NightOwl",
        "train/ANiMAL - Rockshow",
        "test/AM Contra - Heart Peripheral",
    ):
        for stem in ("mixture", "bass", "drums", "other", "vocals"):
            sound(root / "musdb18hq" / song / f"{stem}.wav", 44100, 2)


def gtzan(root: Path) -> None:
    # Of each split one, and a clip that is no part of the fault-filtered one.
    for name in ("blues.00029", "blues.00000", "blues.00012", "jazz.00033"):
        sound(root / "genres" / name.split(".")[0] / f"{name}.wav", 22050)


def fma(root: Path) -> None:
    groups = ["", "artist", "artist", "set", "set", "track", "track"]
    names = ["", "id", "name", "split", "subset", "genre_top", "title"]
    rows = [groups, names, ["track_id", "", "", "", "", "", ""]]
    for track, split in (("2", "training"), ("5", "validation"), ("140", "test")):
        rows.append([track, f"{track}1", "AWOL,\nMen", split, "small", "Hip-Hop" if track == "2" else "", "Food"])
        sound(root / f"fma_small/000/{track.rjust(6, '0')}.mp3", 44100, 2)
    table(root / "fma_metadata/tracks.csv", rows)


def nsynth(root: Path) -> None:
    for part, instrument in (
        ("train", "bass_synthetic_033"),
        ("valid", "organ_electronic_001"),
        ("test", "guitar_acoustic_030"),
    ):
        key = f"{instrument}-022-050"
        family, source, _ = instrument.split("_")
        note = {"instrument_family_str": family, "instrument_source_str": source, "pitch": 22, "velocity": 50}
        words(root / f"nsynth-{part}/examples.json", json.dumps({key: {**note, "instrument_str": instrument}}))
        sound(root / f"nsynth-{part}/audio/{key}.wav", 16000)


def debian_music(root: Path) -> None:
    for package in PACKAGES:
        (root / package / "usr/share/doc" / package).mkdir(parents=True)
    for album in ALBUMS:
        pattern, _, member = album.files.partition(":")
        name = (member or pattern).replace("[!m]", "Proton").replace("wesnoth/*", "wesnoth/1.16").replace("*", "one")
        path = root / (f"members/{album.package}" if member else album.package) / name
        sound(
            path, 48000 if path.suffix == ".opus" else 44100, 2, artist=f"A composer of {album.name}", genre="Ambient"
        )
        if member:
            archive = root / album.package / pattern
            archive.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
                file.write(path, name)


def rendered_scores(root: Path) -> None:
    labels = {
        "composer": "Johann Sebastian Bach",
        "key": "G major",
        "meter": "4/4",
        "bpm": "88 bpm",
        "instrument": "choir",
    }
    for name in ("bach/bwv1.6", "bach/bwv10.7", "bach/bwv10.1", "palestrina/Kyrie_01_a", "palestrina/Gloria_01"):
        sound(root / f"{name}.flac", 44100, 2)
        words(root / f"{name}.json", json.dumps([{"labels": labels, "file": f"{name.split('/')[1]}.flac"}]))
    tunes = [{"tune": "The Reel", "labels": {}, "file": "book1-1.flac"}]
    sound(root / "airdsAirs/book1-1.flac", 44100, 2)
    words(root / "airdsAirs/book1.json", json.dumps(tunes))
    sound(root / "ryansMammoth/TheReel.flac", 44100, 2)
    words(root / "ryansMammoth/TheReel.json", json.dumps([{"labels": {}, "file": "TheReel.flac"}]))


def folder(root: Path) -> None:
    for voice in ("ann", "bob", "eve"):
        sound(root / voice / "1.wav", 44100)


MINIATURES: dict[str, Callable[[Path], None]] = {
    make.__name__: make
    for make in (
        *(ljspeech, librispeech, libritts, vctk, jsut, aishell3, commonvoice),
        *(maestro, musdb18, gtzan, fma, nsynth, debian_music, rendered_scores, debian_speech, folder),
    )
}
