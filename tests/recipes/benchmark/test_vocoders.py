"""The table of vocoders: what is timed, and that the rival is the published one."""

from pathlib import Path

import pytest
import torch

from audiovq.audio.griffin_lim import MelGriffinLim
from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.models.vocoder import Vocoder, VocoderConfig
from audiovq.pretrained import save_vocoder
from recipes.benchmark.__main__ import main
from recipes.benchmark.synthetic import speech_like
from recipes.benchmark.vocoders import HifiGan, griffin_lim, markdown_table, vocoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    network = Vocoder(VocoderConfig(head="magnitude", num_iterations=1, width=8, num_blocks=1))
    save_vocoder(tmp_path / "vocoder", network, "tiny", "CC0-1.0")
    return tmp_path / "vocoder"


def test_hifigan_is_version_1_at_its_own_rate() -> None:
    coder = HifiGan()
    assert coder.num_parameters == 13_926_017  # 13.92 M in the paper's table 1
    with torch.inference_mode():
        mel = coder.encode(speech_like(0.1, 22050))
        assert mel.shape == (80, 2205 // 256)
        assert coder.decode(mel).shape == (mel.shape[1] * 256,)


def test_what_is_timed_is_what_decoding_does(folder: Path) -> None:
    wave = speech_like(0.3, 16000)
    mel = LogMel(LogMelConfig())(wave[None])[0]
    for coder, inverter in ((griffin_lim(), MelGriffinLim(LogMelConfig())), (vocoder(folder), None)):
        assert torch.equal(coder.encode(wave), mel)
        if inverter is not None:
            assert torch.equal(coder.decode(mel), torch.cat([inverter.push(mel), inverter.flush()]))
        first = coder.decode(mel)
        assert first.shape == (mel.shape[1] * 160,)
        assert torch.equal(first, coder.decode(mel))  # one repeat leaves nothing behind for the next


def test_ratios_are_to_the_last_row(folder: Path) -> None:
    coders = [griffin_lim(), vocoder(folder)]
    rows = markdown_table(coders, [[100.0, 20.0], [150.0, 60.0]], [1, 2]).splitlines()
    assert rows[0].count("thread(s), s of audio per s | ratio to tiny") == 2
    assert rows[2] == "| Griffin-Lim | 0.00 M | 100.0 | 5.00 | 150.0 | 2.50 |"
    assert rows[3].endswith("| 20.0 | 1.00 | 60.0 | 1.00 |")


def test_the_command_takes_folders_and_says_what_is_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = torch.get_num_threads()
    arguments = ["vocoders", "--threads", str(threads), "--seconds", "0.1", "--repeats", "1"]
    main([*arguments, "--vocoder", str(folder), "--out", str(tmp_path / "out.md")])
    text = (tmp_path / "out.md").read_text()
    assert capsys.readouterr().out.strip() == text.strip()
    names = [line.split(" | ")[0] for line in text.splitlines()[4:]]
    assert names == ["| Griffin-Lim", "| tiny", "| HiFi-GAN V1, 22.05 kHz (random weights)"]
    with pytest.raises(SystemExit, match="benchmark: no model 'nowhere': expected a bundled vocoder"):
        main([*arguments, "--vocoder", "nowhere"])
