"""Text to speech with a prior trained for seconds: it says noise, but the right amount of it, always the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch

from audiovq import ranking
from audiovq.data.text import TextError
from audiovq.pretrained import ModelError
from audiovq.priors.sampling import Sampling
from audiovq.synthesis import Spoken, Synthesizer, load_synthesizer
from recipes.pack_prior import main as pack_prior
from tests.recipes.tiny_prior import packed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("tts"))


@pytest.fixture(scope="module")
def synthesizer(folder: Path) -> Synthesizer:
    return load_synthesizer(folder / "packed", folder / "model")


def test_a_text_becomes_sound_of_its_length(synthesizer: Synthesizer) -> None:
    voice = synthesizer.voice("s1")
    spoken = list(synthesizer.speak("Abc. Cab!", voice))
    assert [piece.text for piece in spoken] == ["Abc.", "Cab!"]
    sound = synthesizer.sound("Abc. Cab!", voice)
    assert sound.shape == (1, sum(piece.codes.num_samples for piece in spoken))
    assert all(piece.codes.num_samples == piece.codes.levels[0].shape[1] * 64 for piece in spoken)
    assert torch.equal(sound, synthesizer.sound("Abc. Cab!", voice))


def test_the_seed_and_the_number_of_an_item_make_the_difference(synthesizer: Synthesizer) -> None:
    voice = synthesizer.voice("s0")
    free = Sampling(temperature=1.5, fine_temperature=1.5, top_p=1.0)

    def codes(seed: int = 0, item: int = 0) -> list[torch.Tensor]:
        (piece,) = synthesizer.speak("abcabc", voice, replace(free, seed=seed), item=item)
        return list(piece.codes.levels)

    def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
        return all(map(torch.equal, one, other))

    assert equal(codes(), codes()) and not equal(codes(), codes(seed=1)) and not equal(codes(), codes(item=1))


def test_speed_and_candidates(synthesizer: Synthesizer) -> None:
    voice = synthesizer.voice("s0")
    slow, fast = (synthesizer.sound("abcabcabc", voice, Sampling(speed=speed)).shape[1] for speed in (0.5, 2.0))
    assert slow > 2 * fast
    (alone,) = synthesizer.speak("abc", voice)
    (best,) = synthesizer.speak("abc", voice, candidates=4)
    assert best.log_probability >= alone.log_probability


def test_the_candidate_that_ranks_highest_is_taken(synthesizer: Synthesizer) -> None:
    voice, seen = synthesizer.voice("s0"), list[Spoken]()

    def loudness(spoken: Spoken) -> float:
        seen.append(spoken)
        return float(spoken.codes.levels[0].sum())

    free = Sampling(temperature=2.0, top_p=1.0)
    (best,) = synthesizer.speak("abcabc", voice, free, candidates=3, rank=loudness)
    assert len(seen) == 3 and float(best.codes.levels[0].sum()) == max(map(loudness, list(seen)))


def test_a_recogniser_and_a_likeness_rank(
    synthesizer: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (spoken,) = synthesizer.speak("abcabc", synthesizer.voice("s0"))

    class Deaf:
        def __init__(self, model: str) -> None:
            assert model == "packaged"

        def transcribe(self, wave: torch.Tensor, sample_rate: int, language: str) -> str:
            assert (wave.ndim, sample_rate, language) == (1, 800, "de")
            return "abcab"

    monkeypatch.setattr(ranking, "Recogniser", Deaf)
    assert ranking.by_recogniser(synthesizer, "de")(spoken) == pytest.approx(-1 / 6, abs=1e-4)
    soundfile.write(tmp_path / "me.wav", synthesizer.tokenizer.decode(spoken.codes)[0].numpy(), 800)
    monkeypatch.setattr(ranking, "speaker_similarity", lambda one, other, rate: float(one.shape == other.shape))
    assert ranking.by_similarity(synthesizer, tmp_path / "me.wav")(spoken) == 1.0


def test_any_recording_is_a_voice(synthesizer: Synthesizer, tmp_path: Path) -> None:
    path = tmp_path / "me.wav"
    soundfile.write(path, 0.1 * torch.randn(3000, generator=torch.Generator().manual_seed(0)).numpy(), 800)
    voice = synthesizer.voice(reference=path)
    assert voice.language == "de" and voice.features.shape == (12,)
    assert synthesizer.sound("abc", voice).shape[1] > 0


@pytest.mark.parametrize(
    "text, message",
    [("", "an empty text"), (" \n", "an empty text"), ("🙂!", "nothing to speak"), ("xyz", "none of which")],
)
def test_what_cannot_be_spoken_is_named(synthesizer: Synthesizer, text: str, message: str) -> None:
    with pytest.raises(TextError, match=message):
        list(synthesizer.speak(text, synthesizer.voice()))


def test_what_can_be_spoken_of_a_text_is(synthesizer: Synthesizer) -> None:
    spoken = list(synthesizer.speak("abc 🙂. xyz? " + "cab " * 60, synthesizer.voice()))
    assert len(spoken) == 2 and all(len(piece.text) <= 200 for piece in spoken)


def test_unknown_speakers_and_languages_are_named(synthesizer: Synthesizer) -> None:
    with pytest.raises(ModelError, match="has no speaker 'bob'; it has s0, s1"):
        synthesizer.voice("bob")
    with pytest.raises(ModelError, match="does not speak 'en'; it speaks de"):
        synthesizer.voice(language="en")
    with pytest.raises(ModelError, match="expected one of them"):
        synthesizer.voice("s0", reference="x.wav")
    assert synthesizer.speakers == {"s0": "de", "s1": "de"}


def test_parts_and_other_tokenizers_are_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="is a part of a prior"):
        load_synthesizer(folder / "level1" / "model", folder / "model")
    with pytest.raises(ModelError, match="cannot decode: name its own"):
        load_synthesizer(folder / "packed", "speech-16k")
    with pytest.raises(ModelError, match="no model 'tiny'"):
        load_synthesizer(folder / "packed")


def test_parts_that_make_no_whole_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", str(folder / "broken")]
    assert pack_prior([str(folder / "durations"), str(folder / "level0"), str(folder / "level2"), *out]) == 1
    assert "make the levels [0, 2], expected each of [0, 1, 2] once" in capsys.readouterr().err
    assert pack_prior([str(folder / "level0"), *out]) == 1
    assert "got 0 parts that foresee durations" in capsys.readouterr().err
