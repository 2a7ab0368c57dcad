import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hydra import compose, initialize
from hydra.errors import ConfigCompositionException
from lhotse import load_manifest
from omegaconf import OmegaConf

from audiovq.data.corpora import VCTK, DebianSpeech, Folder, LJSpeech, Maestro
from audiovq.data.corpora.utterance import CorpusError, Source, Utterance
from audiovq.data.kaldi import DataDir, DataDirError, validate
from recipes.prepare import PrepareConfig, Step, prepare
from tests.miniature_corpora import MINIATURES

RATE = 16000


@pytest.fixture
def config(tmp_path: Path) -> PrepareConfig:
    """Four voices, two clips each, of which one is too short and one a copy of another."""
    noise = np.random.default_rng(0)
    for voice in ("ann", "bob", "eve", "zoe"):
        (tmp_path / "in" / voice).mkdir(parents=True)
        for take in range(2):
            soundfile.write(tmp_path / "in" / voice / f"{take}.flac", noise.uniform(-0.1, 0.1, 22050), 44100)
    soundfile.write(tmp_path / "in/ann/short.wav", np.ones(100), 44100)
    (tmp_path / "in/zoe/copy.flac").write_bytes((tmp_path / "in/zoe/0.flac").read_bytes())
    (tmp_path / "in/ann/0.txt").write_text("hello")
    corpus = Folder(tmp_path / "in", valid_speakers=["bob"], test_speakers=["eve"])
    return PrepareConfig(corpus=corpus, output_dir=str(tmp_path / "out"), num_jobs=1)


def test_from_a_folder_to_data_directories_and_cuts(config: PrepareConfig, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(config)
    out = Path(config.output_dir)
    train = DataDir.load(out / "train")
    assert train.utt2spk == {"ann-0": "ann", "ann-1": "ann", "zoe-0": "zoe", "zoe-1": "zoe"}
    assert train.text == {"ann-0": "hello", "ann-1": "", "zoe-0": "", "zoe-1": ""}
    assert train.utt2dur == dict.fromkeys(train.utt2spk, 0.5)
    assert list(DataDir.load(out / "valid").spk2utt) == ["bob"]
    assert list(DataDir.load(out / "test").spk2utt) == ["eve"]
    assert validate(out / "train", RATE) == []
    (cut, *_), cuts = load_manifest(out / "cuts_train.jsonl.gz"), load_manifest(out / "cuts_train.jsonl.gz")
    assert [cut.id for cut in cuts] == list(train.wav_scp)
    assert (cut.sampling_rate, cut.num_samples, cut.load_audio().shape) == (RATE, RATE // 2, (1, RATE // 2))
    assert (cut.supervisions[0].text, cut.supervisions[0].speaker, cut.supervisions[0].language) == (
        "hello",
        "ann",
        "und",
    )
    assert "2 dropped" in capsys.readouterr().out


def test_what_is_dropped_is_named(config: PrepareConfig) -> None:
    prepare(config)
    lines = [json.loads(line) for line in (Path(config.output_dir) / "dropped.jsonl").read_text().splitlines()]
    assert {line["id"]: line["reason"] for line in lines} == {
        "ann-short": "shorter than 0.3 s: 0.002 s",
        "zoe-copy": "same samples as another: zoe-0",
    }
    assert lines[0]["source"].endswith("ann/short.wav")


def test_a_second_run_makes_only_what_is_missing(config: PrepareConfig) -> None:
    prepare(config)
    wavs = Path(config.output_dir) / "wavs"
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in wavs.rglob("*.wav")}
    lost = wavs / "ann/ann-1.wav"
    lost.unlink()
    prepare(config)
    assert {path: path.read_bytes() for path in wavs.rglob("*.wav")} == {
        path: data for path, (_, data) in before.items()
    }
    assert {path for path, (time, _) in before.items() if path.stat().st_mtime_ns != time} == {lost}


def test_several_jobs_do_as_one(config: PrepareConfig, tmp_path: Path) -> None:
    prepare(config)
    config.num_jobs, config.output_dir = 2, str(tmp_path / "again")
    prepare(config)
    for path in (tmp_path / "out/wavs").rglob("*.wav"):
        assert (tmp_path / "again/wavs" / path.relative_to(tmp_path / "out/wavs")).read_bytes() == path.read_bytes()


def test_steps_want_the_one_before(config: PrepareConfig) -> None:
    config.step = Step.cuts
    with pytest.raises(DataDirError, match=r"train/wav.scp is missing: first run this with step=data_dirs"):
        prepare(config)


def test_validation_fails_with_everything_that_is_wrong(config: PrepareConfig) -> None:
    prepare(config)
    out = Path(config.output_dir)
    (out / "wavs/ann/ann-0.wav").unlink()
    soundfile.write(out / "wavs/eve/eve-0.wav", np.zeros(4000), 8000)
    config.step = Step.validate
    with pytest.raises(
        DataDirError, match=r"(?s)ann-0.wav: does not exist.*eve-0.wav: 8000 Hz, expected 16000.*2 problems"
    ):
        prepare(config)


def test_an_empty_split_is_an_error(config: PrepareConfig) -> None:
    assert isinstance(config.corpus, Folder)
    config.corpus.test_speakers = []
    with pytest.raises(DataDirError, match="test has no utterance: check the voices that are held out"):
        prepare(config)


class OfOneId:
    """A corpus of two files that would get one id."""

    def utterances(self) -> Iterator[Utterance]:
        for name in ("a.wav", "b.wav"):
            yield Utterance("ann-1", "ann", "en", Source(Path(name)))

    def download(self) -> None:
        raise CorpusError("there is nothing to download")


def test_two_recordings_of_one_id_are_an_error(config: PrepareConfig) -> None:
    config.corpus = OfOneId()
    with pytest.raises(CorpusError, match=r"a.wav and b.wav would both be ann-1: rename one of them"):
        prepare(config)


def test_a_download_makes_no_data(config: PrepareConfig) -> None:
    config.corpus, config.step = OfOneId(), Step.download
    with pytest.raises(CorpusError, match="there is nothing to download"):
        prepare(config)
    assert not Path(config.output_dir).exists()


def test_labels_lie_beside_the_data_directories(config: PrepareConfig, tmp_path: Path) -> None:
    prepare(config)
    assert (Path(config.output_dir) / "labels.jsonl").read_text() == ""
    MINIATURES["maestro"](tmp_path / "maestro")
    config.corpus = Maestro(tmp_path / "maestro")
    prepare(config)
    lines = [json.loads(line) for line in (Path(config.output_dir) / "labels.jsonl").read_text("utf-8").splitlines()]
    assert lines[-1] == {
        "id": "Frédéric_Chopin-2018-MIDI-Unprocessed_Chamber3_MID--AUDIO_validation_wav--1",
        "labels": {"composer": "Frédéric Chopin", "title": "Sonata, Op. 1", "year": "2018"},
    }
    assert len(lines) == 3


def test_a_recording_that_has_vanished_is_named(config: PrepareConfig, tmp_path: Path) -> None:
    MINIATURES["ljspeech"](tmp_path / "lj")
    config.corpus = LJSpeech(tmp_path / "lj")
    prepare(config)
    (tmp_path / "lj/LJSpeech-1.1/wavs/LJ001-0002.wav").unlink()
    prepare(config)
    (line,) = (Path(config.output_dir) / "dropped.jsonl").read_text().splitlines()
    assert json.loads(line)["id"] == "LJ001-0002" and "No such file" in json.loads(line)["reason"]


@pytest.mark.parametrize(
    "name, kind", [("debian_speech", DebianSpeech), ("mini", Folder), ("folder", Folder), ("vctk", VCTK)]
)
def test_the_configurations_are_typed(name: str, kind: type) -> None:
    with initialize(version_base="1.3", config_path="../../configs"):
        config = OmegaConf.to_object(
            compose("prepare", [f"corpus={name}", "corpus.root=x", "output_dir=y", "step=cuts"])
        )
        assert isinstance(config, PrepareConfig)
        assert isinstance(config.corpus, kind)
        assert (config.corpus.root, config.step) == (Path("x"), Step.cuts)  # type: ignore[attr-defined]
        with pytest.raises(ConfigCompositionException, match="rot"):
            compose("prepare", [f"corpus={name}", "corpus.rot=x"])
