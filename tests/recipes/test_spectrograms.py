"""Pictures of what a model does to recordings."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from audiovq.data.kaldi import DataDir
from audiovq.pretrained import save_model
from recipes import spectrograms
from tests.models import tiny

RATE = tiny.MEL.sample_rate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two voices of two recordings, one of each too short, and a model."""
    wavs, speakers = {}, {}
    for speaker in ("a", "b"):
        for index, seconds in enumerate((0.5, 2.0)):
            path = tmp_path / f"{speaker}-{index}.wav"
            soundfile.write(path, 0.1 * np.random.default_rng(index).standard_normal(round(seconds * RATE)), RATE)
            wavs[path.stem], speakers[path.stem] = str(path), speaker
    DataDir(wav_scp=wavs, utt2spk=speakers).save(tmp_path / "data")
    save_model(tmp_path / "model", tiny.model(), "tiny", "CC0-1.0")
    return tmp_path


def test_each_row_holds_a_recording_and_what_became_of_it(folder: Path) -> None:
    out = folder / "out.png"
    arguments = [str(folder / "model"), str(folder / "data"), "-o", str(out), "--clips"]
    assert spectrograms.main([*arguments, "2"]) == 0
    two = imread(out)
    assert spectrograms.main([*arguments, "1"]) == 0
    assert imread(out).shape[0] == pytest.approx(two.shape[0] / 2, abs=1) and two.std() > 0.1


def test_too_few_recordings_are_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(folder / "model"), str(folder / "data"), "-o", str(folder / "out.png"), "--clips", "3"]
    assert spectrograms.main(arguments) == 1
    assert capsys.readouterr().err == "spectrograms: expected 3 utterances of 1.0 s or more, found 2\n"
