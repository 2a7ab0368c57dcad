"""Text to speech with a prior trained for seconds: it says noise, but the right amount of it, always the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch

from audiovq.data.text import TextError
from audiovq.pretrained import ModelError
from audiovq.priors.generation import Generation, Request
from audiovq.priors.network import CodeNetwork
from audiovq.priors.sampling import Sampling
from audiovq.speech import ranking, streaming
from audiovq.speech.spoken import Spoken
from audiovq.speech.synthesis import Line, Synthesizer, load_synthesizer
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


def test_what_is_spoken_costs_what_it_was_drawn_at(tmp_path: Path) -> None:
    packed(tmp_path, "cascade")
    synthesizer = load_synthesizer(tmp_path / "packed", tmp_path / "model")
    voice, plain = synthesizer.voice("s0"), Sampling(guidance=1.0)
    found = synthesizer.pieces("Abc. Cab!", voice.language)
    for number, piece in enumerate(synthesizer.speak("Abc. Cab!", voice, plain, item="a")):
        inputs, num_coarse = synthesizer.stretched(found[number][1], voice, plain, ("a", number))
        nats = synthesizer.prior.nats(inputs, piece.codes.levels)
        assert num_coarse == piece.codes.levels[0].shape[1] and len(nats) == len(piece.codes.levels)
        num_codes = sum(level.numel() for level in piece.codes.levels)
        assert -sum(nats) / num_codes == pytest.approx(piece.log_probability, rel=1e-4)


def test_speed_and_candidates(synthesizer: Synthesizer) -> None:
    voice = synthesizer.voice("s0")
    slow, fast = (synthesizer.sound("abcabcabc", voice, Sampling(speed=speed)).shape[1] for speed in (0.5, 2.0))
    assert slow > 2 * fast
    (alone,) = synthesizer.speak("abc", voice)
    (best,) = synthesizer.speak("abc", voice, Sampling(candidates=4))
    assert best.log_probability >= alone.log_probability


def test_the_candidate_that_ranks_highest_is_taken(synthesizer: Synthesizer) -> None:
    voice, seen = synthesizer.voice("s0"), list[Spoken]()

    def loudness(spoken: Spoken) -> float:
        seen.append(spoken)
        return float(spoken.codes.levels[0].sum())

    free = Sampling(temperature=2.0, top_p=1.0, candidates=3)
    (best,) = synthesizer.speak("abcabc", voice, free, rank=loudness)
    assert len(seen) == 3 and float(best.codes.levels[0].sum()) == max(map(loudness, list(seen)))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "me.wav"
    soundfile.write(path, 0.1 * torch.randn(3000, generator=torch.Generator().manual_seed(0)).numpy(), 800)
    return path


class Deaf:
    """Hears one thing, whatever is said."""

    def __init__(self, model: str) -> None:
        assert model == "packaged"

    def transcribe(self, wave: torch.Tensor, sample_rate: int, language: str) -> str:
        assert (wave.ndim, sample_rate, language) == (1, 800, "de")
        return "abcab"


def test_a_recogniser_and_a_likeness_rank(
    synthesizer: Synthesizer, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = synthesizer.voice(reference=recording)
    (spoken,) = synthesizer.speak("abcabc", voice)
    monkeypatch.setattr(ranking, "_recogniser", Deaf)
    by_recogniser = ranking.ranking("recogniser", synthesizer.tokenizer, voice)
    assert by_recogniser(spoken) == pytest.approx(-1 / 6, abs=1e-4)
    heard: list[float] = []

    def same_length(one: torch.Tensor, other: torch.Tensor, rate: int) -> float:
        assert one.shape == other.shape
        heard.append(float(other.abs().sum()))
        return heard[-1]

    monkeypatch.setattr(ranking, "speaker_similarity", same_length)
    free = Sampling(candidates=3, rank_by="similarity", temperature=2.0, top_p=1.0)
    (best,) = synthesizer.speak("abcabc", voice, free)
    assert len(set(heard)) == 3
    by_similarity = ranking.ranking("similarity", synthesizer.tokenizer, voice)
    assert by_similarity(best) == max(heard[:3])
    with pytest.raises(ModelError, match="needs the voice to compare with"):
        list(synthesizer.speak("abc", synthesizer.voice("s0"), free))


TEXT = "Abc. Cab! Bca bca bca, cab abc. Cab? Abcabc abc."
FREE = Sampling(temperature=1.5, fine_temperature=1.5, top_p=1.0, seed=3)


def same(one: Spoken, other: Spoken) -> bool:
    return one.text == other.text and all(map(torch.equal, one.codes.levels, other.codes.levels))


def test_texts_are_spoken_together_as_one_by_one(synthesizer: Synthesizer) -> None:
    voices = [synthesizer.voice("s0"), synthesizer.voice("s1")]
    lines = [Line(TEXT, voices[0], "a"), Line("abc", voices[1], "b"), Line(TEXT, voices[1], "c")]
    one_by_one = [list(synthesizer.speak(line.text, line.voice, FREE, line.item)) for line in lines]
    for settings in (FREE, replace(FREE, batch=1), replace(FREE, batch=3)):
        together = synthesizer.speak_all(lines, settings)
        assert [len(pieces) for pieces in together] == [len(pieces) for pieces in one_by_one] == [5, 1, 5]
        for pieces, expected in zip(together, one_by_one, strict=True):
            assert all(map(same, pieces, expected))


def test_the_sound_is_there_before_the_last_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesizer = load_synthesizer(folder / "packed", folder / "model")
    finest = synthesizer.prior.networks[2].config
    assert finest.kind == "masked"  # which makes all of its codes at once
    torch.manual_seed(0)
    synthesizer.prior.networks[2] = CodeNetwork(replace(finest, kind="cascade")).eval()
    generations: list[Generation] = []
    begin = synthesizer.prior.begin

    def watched(requests: Sequence[Request], sampling: Sampling) -> Generation:
        generations.append(begin(requests, sampling))
        return generations[-1]

    monkeypatch.setattr(synthesizer.prior, "begin", watched)
    monkeypatch.setattr(streaming, "FIRST_FRAMES", 2)
    voice, text = synthesizer.voice("s0"), "abcab " * 20
    blocks = synthesizer.stream(text, voice, FREE)
    first = next(block for block in blocks if block.shape[1])
    made = generations[0].codes(0)
    assert len(generations) == 1 and made[0][:, :20].any() and not made[0][:, 100:].any()
    sound = torch.cat([first, *blocks], dim=1)
    (spoken,) = synthesizer.speak(text, voice, FREE)
    assert all(map(torch.equal, generations[0].codes(0), spoken.codes.levels))
    assert torch.equal(synthesizer.sound(text, voice, FREE), sound)
    torch.testing.assert_close(sound, synthesizer.tokenizer.decode(spoken.codes), atol=1e-4, rtol=1e-4)


def test_speech_goes_on_from_a_prompt(synthesizer: Synthesizer, recording: Path) -> None:
    voice = synthesizer.voice(prompt=recording, prompt_text="abc cab")
    assert voice.prompt is not None and int(voice.prompt.durations.sum()) == voice.prompt.levels[-1].shape[1]
    plain = synthesizer.voice(reference=recording)
    pieces = list(synthesizer.speak(TEXT, voice, FREE))
    for piece, other in zip(pieces, synthesizer.speak(TEXT, plain, FREE), strict=True):
        assert piece.codes.num_samples == other.codes.num_samples  # the prompt is not in it
        assert not same(piece, other)
    (together,) = synthesizer.speak_all([Line(TEXT, voice)], FREE)
    assert all(map(same, pieces, together))
    sound = torch.cat([synthesizer.tokenizer.decode(piece.codes) for piece in pieces], dim=1)
    torch.testing.assert_close(synthesizer.sound(TEXT, voice, FREE), sound, atol=1e-4, rtol=1e-4)


def test_prompts_that_do_not_do_are_named(synthesizer: Synthesizer, recording: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="go together: name both"):
        synthesizer.voice(prompt=recording)
    with pytest.raises(ModelError, match="expected one of a speaker, a reference and a prompt"):
        synthesizer.voice("s0", prompt=recording, prompt_text="abc")
    with pytest.raises(TextError, match="nothing to speak"):
        synthesizer.voice(prompt=recording, prompt_text="🙂!")
    soundfile.write(tmp_path / "long.wav", torch.randn(16 * 800).numpy(), 800)
    with pytest.raises(ModelError, match=r"lasts 16.0 s, expected at most 15"):
        synthesizer.voice(prompt=tmp_path / "long.wav", prompt_text="abc")


def test_nothing_lasts_longer_than_it_may(synthesizer: Synthesizer) -> None:
    voice = synthesizer.voice("s0")
    (piece,) = synthesizer.speak("abcabcabc", voice, Sampling(max_seconds=0.25))
    assert 0.15 < piece.codes.num_samples / 800 <= 0.25


def test_any_recording_is_a_voice(synthesizer: Synthesizer, recording: Path) -> None:
    voice = synthesizer.voice(reference=recording)
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
    with pytest.raises(ModelError, match="expected one of a speaker, a reference and a prompt"):
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


def test_with_bytes_for_weights_texts_are_spoken_together_as_alone(folder: Path) -> None:
    synthesizer = load_synthesizer(folder / "packed", folder / "model", precision="int8")
    voice = synthesizer.voice()
    lines = [Line("ab ba", voice, 0), Line("a", voice, 1), Line("bab ab", voice, 2)]
    together = synthesizer.speak_all(lines)
    alone = [list(synthesizer.speak(line.text, line.voice, item=line.item)) for line in lines]
    for many, one in zip(together, alone, strict=True):
        assert all(
            torch.equal(a, b)
            for left, right in zip(many, one, strict=True)
            for a, b in zip(left.codes.levels, right.codes.levels, strict=True)
        )


def test_an_unknown_precision_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="precision is 'int4', expected float32 or int8"):
        load_synthesizer(folder / "packed", folder / "model", precision="int4")
