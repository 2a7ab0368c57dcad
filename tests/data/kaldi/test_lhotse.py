from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from lhotse import AudioSource, CutSet, MonoCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.kaldi import load_kaldi_data_dir

from audiovq.data.cuts import write_cuts
from audiovq.data.kaldi import DataDir, DataDirError, validate
from audiovq.data.kaldi.lhotse_export import write_manifests
from audiovq.data.kaldi.lhotse_import import from_manifests
from tests.data.kaldi.make import RATE, saved, segments, whole_files, write_wav

NAMES = (["recordings", "supervisions"], ["cuts"])


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("make", [whole_files, segments])
def test_manifests_come_back(make: Callable[[Path], DataDir], names: list[str], tmp_path: Path) -> None:
    data = make(tmp_path)
    write_manifests(data, tmp_path / "manifests")
    back = from_manifests(tmp_path / "manifests" / f"{name}.jsonl.gz" for name in names)
    if data.text is not None and "Zoë-1" in data.text:
        data.text["Zoë-1"] = "ñandú 日本"
    assert back == data
    assert validate(saved(back, tmp_path / "back")) == []


@pytest.mark.parametrize("make", [whole_files, segments])
def test_cuts_have_the_samples_of_the_sounds(make: Callable[[Path], DataDir], tmp_path: Path) -> None:
    data = make(tmp_path)
    if data.segments is None:  # lhotse warns of parts of commands
        data.wav_scp = {key: f"cat {path} |" for key, path in data.wav_scp.items()}
    write_cuts(data, tmp_path / "cuts.jsonl.gz")
    cuts = list(CutSet.from_file(tmp_path / "cuts.jsonl.gz"))
    assert [cut.id for cut in cuts] == data.ids
    for cut, sound in zip(cuts, data.sounds(), strict=True):
        assert torch.equal(torch.from_numpy(cut.load_audio()), sound.read()[0])
        assert (cut.supervisions[0].speaker, cut.supervisions[0].start) == (data.utt2spk[cut.id], 0)


WORDS: dict[str, Callable[[list[str]], dict[str, str] | None]] = {
    "all": lambda ids: {key: f"words of {key}" for key in ids},
    "some": lambda ids: {key: "" if number % 2 else "eins zwei" for number, key in enumerate(ids)},
    "none": lambda ids: dict.fromkeys(ids, ""),
    "no text": lambda ids: None,
}


@pytest.mark.parametrize("with_lengths", [True, False])
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("make", [whole_files, segments])
def test_lhotse_reads_what_is_saved(
    make: Callable[[Path], DataDir], words: str, with_lengths: bool, tmp_path: Path
) -> None:
    data = make(tmp_path)
    if data.segments is None:  # a length that has no end in milliseconds
        write_wav(tmp_path / "0.wav", 7919)
        data.utt2dur = {**(data.utt2dur or {}), "anna-01": 7919 / RATE}
    data.text = WORDS[words](data.ids)
    if not with_lengths:
        data.utt2dur = data.reco2dur = None
    folder = saved(data, tmp_path / "data")
    assert validate(folder, RATE, check_samples=True) == []
    recordings, supervisions, _ = load_kaldi_data_dir(folder, RATE)
    assert supervisions is not None
    assert sorted(recording.id for recording in recordings) == sorted(data.wav_scp)
    assert {one.id: (one.speaker, one.text or "") for one in supervisions} == {
        key: (data.utt2spk[key], (data.text or {}).get(key, "")) for key in data.ids
    }
    cuts = CutSet.from_manifests(recordings, supervisions).trim_to_supervisions(keep_overlapping=False)
    heard = {cut.supervisions[0].id: torch.from_numpy(cut.load_audio()) for cut in cuts}
    for sound in data.sounds():
        wave = sound.read()[0]
        if data.segments is None and words in ("all", "no text"):
            wave = wave[:, : heard[sound.utt_id].shape[1]]  # lhotse rounds lengths that nobody tells it down
        assert torch.equal(heard[sound.utt_id], wave)


@pytest.mark.parametrize("words", ["some", "none"])
def test_what_lhotse_needs_is_not_seen_here(words: str, tmp_path: Path) -> None:
    data = whole_files(tmp_path)
    data.text = WORDS[words](data.ids)
    folder = saved(data, tmp_path / "data")
    assert (folder / "segments").read_text() == "".join(f"{key} {key} 0.000000 0.500000\n" for key in data.ids)
    assert DataDir.load(folder) == data
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    DataDir.load(folder).save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_sounds_that_cannot_be_read_keep_nothing_from_being_written(tmp_path: Path) -> None:
    data = whole_files(tmp_path)
    data.utt2dur, data.wav_scp["bob-007"] = None, "none.wav"
    assert DataDir.load(saved(data, tmp_path / "data")) == data


def recording(tmp_path: Path, channels: int = 1) -> Recording:
    path = write_wav(tmp_path / "one.wav", 2 * RATE, channels=channels)
    return Recording.from_file(path, recording_id="one")


def imported(tmp_path: Path, *manifests: RecordingSet | SupervisionSet | CutSet) -> DataDir:
    paths = [tmp_path / f"{number}.jsonl.gz" for number in range(len(manifests))]
    for manifest, path in zip(manifests, paths, strict=True):
        manifest.to_file(path)
    return from_manifests(paths)


def test_ids_get_speakers_before_them_and_unknown_speakers_are_one_each(tmp_path: Path) -> None:
    known = SupervisionSegment("2", "one", 0.5, 1.0, speaker="Anna B", text="  a\nb ", gender="female")
    unknown = SupervisionSegment("1", "one", 0.0, 0.5)
    data = imported(
        tmp_path, RecordingSet.from_recordings([recording(tmp_path)]), SupervisionSet.from_segments([known, unknown])
    )
    assert data.utt2spk == {"1-1": "1", "Anna_B-2": "Anna_B"}
    assert data.text == {"Anna_B-2": "a b", "1-1": ""} and data.others == {}
    assert validate(saved(data, tmp_path / "data")) == []


def test_ids_that_would_be_out_of_the_order_of_their_speakers_get_a_dash(tmp_path: Path) -> None:
    parts = [SupervisionSegment(f"{name}_a", "one", start, 0.5, speaker=name) for start, name in enumerate(["1", "10"])]
    recordings = RecordingSet.from_recordings([recording(tmp_path)])
    data = imported(tmp_path, recordings, SupervisionSet.from_segments(parts))
    assert data.utt2spk == {"1-1_a": "1", "10-10_a": "10"}


def test_a_cut_without_supervisions_is_an_utterance(tmp_path: Path) -> None:
    cut = MonoCut("cut", start=0.5, duration=1.0, channel=0, recording=recording(tmp_path))
    data = imported(tmp_path, CutSet.from_cuts([cut]))
    assert data.utt2spk == {"cut": "cut"} and data.segments == {"cut": ("one", 0.5, 1.5)} and data.text is None


def test_what_a_data_directory_cannot_express_is_named(tmp_path: Path) -> None:
    one = SupervisionSegment("a", "one", 0.0, 0.5)
    stereo = RecordingSet.from_recordings([recording(tmp_path, channels=2)])
    with pytest.raises(DataDirError, match="a: its recording one has 2 channels, the utterance is in 0: save its"):
        imported(tmp_path, stereo, SupervisionSet.from_segments([one]))
    mono = recording(tmp_path)
    resampled = RecordingSet.from_recordings([mono.resample(8000)])
    with pytest.raises(DataDirError, match="a: its recording one is changed as it is read"):
        imported(tmp_path, resampled, SupervisionSet.from_segments([one]))
    mono.sources = [AudioSource("url", [0], "http://example.org/a.wav")]
    with pytest.raises(DataDirError, match="a: its recording one has the sources url, expected one file or command"):
        imported(tmp_path, RecordingSet.from_recordings([mono]), SupervisionSet.from_segments([one]))
    cut = MonoCut("c", 0.0, 0.5, channel=0, recording=recording(tmp_path))
    with pytest.raises(DataDirError, match=r"the cut .* is not a part of one recording"):
        imported(tmp_path, CutSet.from_cuts([cut.pad(duration=1.0)]))


def test_manifests_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    one = SupervisionSegment("a", "two", 0.0, 0.5)
    recordings = RecordingSet.from_recordings([recording(tmp_path)])
    with pytest.raises(DataDirError) as error:
        imported(tmp_path, recordings, SupervisionSet.from_segments([one]))
    assert str(error.value).splitlines() == [
        "the recording one has no supervision: is their manifest missing?",
        "the supervision a is of two: no manifest has that recording",
    ]
    twice = SupervisionSet.from_segments([SupervisionSegment("a", "one", start, 0.5) for start in (0.0, 1.0)])
    with pytest.raises(DataDirError, match="1 ids are those of several utterances, such as a"):
        imported(tmp_path, recordings, twice)
    (tmp_path / "words.jsonl").write_text("no manifest\n")
    for name, reason in [
        ("words.jsonl", "is no manifest that lhotse reads"),
        ("none.jsonl", "No such file or directory"),
    ]:
        with pytest.raises(DataDirError, match=reason):
            from_manifests([tmp_path / name])
