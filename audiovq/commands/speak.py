"""The audiovq command that speaks: its arguments, and what it does."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from torch import Tensor

from audiovq.audio.io import WRITABLE_SUFFIXES, AudioError, AudioWriter
from audiovq.audio.pipe import WavePipe
from audiovq.commands.arguments import UsageError, add_command, add_sampling, explained
from audiovq.commands.terminal import complain, print_table
from audiovq.data.text import TextError
from audiovq.priors.sampling import Sampling
from audiovq.speech.synthesis import PRECISIONS, Synthesizer, load_synthesizer

DEFAULT_PRIOR = "tts-debian"
STDIN = STDOUT = "-"

SPEAK = """\
text to speech, with a bundled or your own prior

The sound is written as it is made, from the first sentence's beginning on.
The same seed makes the same sound."""

SPEAK_EXAMPLES = """\
examples:
  audiovq speak "Good morning. How are you?" -o hello.wav
  audiovq speak --list-speakers
  audiovq speak "Buenos días." -o hola.wav --language es --seed 7
  audiovq speak --file chapter.txt -o chapter.flac --speaker en_queen_joe --speed 0.9
  echo "Read this." | audiovq speak --file - -o out.wav
  audiovq speak "Heard while it is made." -o - | aplay
  audiovq speak "As recorded." -o out.wav --reference me.wav --candidates 4 --rank-by similarity
  audiovq speak "And so on." -o out.wav --prompt me.wav --prompt-text "What is said in it"\
"""

SETTINGS = explained(
    {
        "guidance": "how far it is pushed towards the text; 1 is not at all, and takes half the time",
        "duration_temperature": "how freely durations vary; 0 is not at all",
        "speed": "2 is twice as fast",
        "max_seconds": "a sentence that would last longer is said faster",
        "candidates": "say each sentence N times and keep the best",
        "rank_by": "what is best: the likeliest codes, what a recogniser misunderstands least (extra eval), or the "
        "voice most similar to that of --reference or --prompt (resemblyzer)",
        "batch": "sentences that are made at a time; changes nothing but the speed",
        "seed": "another number, another way to say it",
    }
)


def add_speak_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add speak."""
    speak = add_command(subparsers, "speak", SPEAK.partition("\n")[0], SPEAK_EXAMPLES, _speak)
    speak.description = SPEAK
    speak.add_argument("text", metavar="TEXT", nargs="?", help="what to say")
    speak.add_argument("--file", metavar="FILE.txt", help="say what is in a file, in UTF-8; - is stdin")
    speak.add_argument(
        "-o", dest="out", metavar="OUT.wav", type=Path, help="a .wav or .flac file; - is stdout, for a player"
    )
    speak.add_argument("--speaker", metavar="S", help="a voice of --list-speakers (default: the first of the language)")
    speak.add_argument("--language", metavar="L", help="of the text (default: the speaker's)")
    speak.add_argument(
        "--reference", metavar="CLIP.wav", type=Path, help="speak in the voice of a recording, as far as it goes"
    )
    speak.add_argument(
        "--prompt", metavar="CLIP.wav", type=Path, help="go on speaking after a recording (up to 15 s), in its voice"
    )
    speak.add_argument("--prompt-text", metavar="TEXT", help="what is said in the recording that is the prompt")
    speak.add_argument("--list-speakers", action="store_true", help="name the voices and their languages")
    speak.add_argument(
        "--model",
        metavar="NAME|DIR",
        default=DEFAULT_PRIOR,
        help=f"a bundled prior or a folder (default: {DEFAULT_PRIOR})",
    )
    speak.add_argument("--tokenizer", metavar="NAME|DIR", help="whose codes the prior makes, if it is not bundled")
    speak.add_argument("--vocoder", metavar="NAME|DIR", help="as for decode")
    speak.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="of the prior's weights: int8 speaks a sentence sooner and says much the same (default: float32)",
    )
    add_sampling(speak, Sampling(), SETTINGS)


def _speak(given: argparse.Namespace) -> int:
    if not given.list_speakers and (given.text is None) == (given.file is None):
        raise UsageError("name either a TEXT or a --file of it")
    if not given.list_speakers and given.out is None:
        raise UsageError("-o OUT.wav is missing: where the sound goes")
    if given.out not in (None, Path(STDOUT)) and given.out.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(f"-o {given.out}: name a file that ends in {' or '.join(WRITABLE_SUFFIXES)}")
    if given.rank_by == "similarity" and given.reference is None and given.prompt is None:
        raise UsageError("--rank-by similarity needs the voice to compare with: --reference or --prompt CLIP.wav")
    if (given.prompt is None) != (given.prompt_text is None):
        raise UsageError("--prompt CLIP.wav and --prompt-text, which says what is said in it, go together")
    try:
        sampling = Sampling(**{field.name: getattr(given, field.name) for field in fields(Sampling)})
    except ValueError as error:
        raise UsageError(str(error)) from error
    synthesizer = load_synthesizer(given.model, given.tokenizer, given.vocoder, given.precision)
    if given.list_speakers:
        print_table([["speaker", "language"], *map(list, synthesizer.speakers.items())])
        return 0
    try:
        text = given.text if given.file is None else _read(given.file)
        voice = synthesizer.voice(given.speaker, given.language, given.reference, given.prompt, given.prompt_text)
        _warn_of_unknown_symbols(synthesizer, text, voice.language)
        start = time.perf_counter()
        seconds = _write(given.out, synthesizer.stream(text, voice, sampling), synthesizer.sample_rate)
    except (TextError, AudioError, ModuleNotFoundError) as error:
        return complain(str(error), exit_code=1)
    took = time.perf_counter() - start
    return complain(f"{given.out}: {seconds:.2f} s of speech in {took:.2f} s", exit_code=0)


def _write(path: Path, blocks: Iterator[Tensor], sample_rate: int) -> float:
    """Write blocks as they come; seconds written. The first is made before the file is begun: it may fail."""
    first = next(blocks)
    num_samples = 0
    with ExitStack() as stack:
        writer: AudioWriter | WavePipe
        if path == Path(STDOUT):
            writer = WavePipe(sys.stdout.buffer, sample_rate)
        else:
            writer = stack.enter_context(AudioWriter(path, sample_rate, num_channels=1))
        for block in itertools.chain([first], blocks):
            writer.write(block)
            num_samples += block.shape[1]
    return num_samples / sample_rate


def _read(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TextError(f"{name} is not UTF-8: byte {error.start} cannot be read; convert it first") from error


def _warn_of_unknown_symbols(synthesizer: Synthesizer, text: str, language: str) -> None:
    try:
        missing = synthesizer.frontend.missing(synthesizer.frontend.symbols(text, language))
    except TextError:
        return  # it is said when the text is to be spoken
    if missing:
        complain(f"left out, since the model has not learnt them: {' '.join(missing)}", exit_code=0)
