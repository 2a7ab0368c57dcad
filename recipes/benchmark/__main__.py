"""audiovq beside what else there is: quality, speed, and the tables of RESULTS.md.

python -m recipes.benchmark rivals                                     # what can be measured here, and how to get more
python -m recipes.benchmark codecs data/debian_speech/test -o exp/benchmark
audiovq report exp/benchmark -o exp/benchmark/page                     # a page to listen to what the last one made
python -m recipes.benchmark codecs data/mine/test -o exp/mine --rivals audiovq:exp/mine/model opus:8 encodec:3@weights
python -m recipes.benchmark codecs data/debian_music/test -o exp/music --sample-rate 32000 --most-seconds 10 \
    --metrics visqol_audio mel_distance stft_distance --rivals audiovq:music-32k opus-music:12 opus-music:24
python -m recipes.benchmark speed --threads 1 2 --out results/speed.json
python -m recipes.benchmark vocoders --threads 1 2
python -m recipes.benchmark priors exp/cascade exp/masked --sentences data/tts1/symbols_test.parquet -o exp/prior_speed
python -m recipes.benchmark speech exp/masked --sentences data/tts1/symbols_test.parquet --languages en -o exp/speech
python -m recipes.benchmark train --variant device=cpu --variant device=cuda -- experiment=debian_speech_codec1
python -m recipes.benchmark results                                    # writes RESULTS.md from results/*.json

A codec is named KIND, KIND:SETTING or KIND:SETTING@WEIGHTS, where WEIGHTS is a folder with the published weights of a
network; without it, they are taken from the cache of the Hugging Face hub, and where that has none the network gets
random ones, which are as fast but not worth hearing. Nothing is downloaded.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.markdown import Markdown

from audiovq.data.text.phonemes import voice_of
from audiovq.pretrained import ModelError, vocoders
from audiovq.priors.sampling import Sampling
from audiovq.speech.synthesis import PRECISIONS
from audiovq.system.files import write_atomically
from recipes.benchmark import rivals
from recipes.benchmark.codec import CodecError, NotAvailableError
from recipes.benchmark.codecs import SCORED_RATE
from recipes.benchmark.prior_tables import prior_text
from recipes.benchmark.priors import prior_speed
from recipes.benchmark.quality import METRICS, Comparison, compare, write_json
from recipes.benchmark.results import check_results, write_results
from recipes.benchmark.sentences import read_sentences
from recipes.benchmark.speech import compare_speech, speech_text
from recipes.benchmark.speed import speed
from recipes.benchmark.tables import quality_table, speed_text
from recipes.benchmark.train import TrainingFailedError, train_speed
from recipes.benchmark.vocoders import vocoder_speed
from recipes.benchmark.voices import EspeakNg, PiperJoe, PriorVoice, Speaks

SPEED_RIVALS = ("encodec:6", "dac:12", "mimi:8", "snac", "vocos", "opus:12", "opus-nolace:12", "codec2:1200")


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    try:
        return _COMMANDS[options.command](options, words)
    # What the data, the codecs or the settings are to blame for says so itself.
    except (CodecError, NotAvailableError, ModelError, TrainingFailedError, ValueError, OSError) as error:
        sys.exit(f"benchmark: {error}")


def _rivals(options: argparse.Namespace, words: Sequence[str]) -> int:
    print(rivals.describe())
    return 0


def _codecs(options: argparse.Namespace, words: Sequence[str]) -> int:
    comparison = Comparison(
        data=options.data,
        out=options.out,
        num_utterances=options.num_utterances,
        min_seconds=options.min_seconds,
        most_seconds=options.most_seconds,
        sample_rate=options.sample_rate,
        seed=options.seed,
        metrics=options.metrics,
        num_workers=options.num_workers,
    )
    results = compare(comparison, options.rivals or rivals.default_words(), words)
    Console().print(Markdown(quality_table(results)))
    if options.store is not None:
        options.store.parent.mkdir(parents=True, exist_ok=True)
        write_json(options.store, results)
    # Who named a codec wants it; who named none takes what there is.
    return int(bool(options.rivals and results["missing"]) or any(row["failures"] for row in results["codecs"]))


def _speed(options: argparse.Namespace, words: Sequence[str]) -> int:
    names = [f"audiovq:{options.model}", *(SPEED_RIVALS if options.rivals is None else options.rivals)]
    codecs, missing = rivals.make_all(names)
    if names[0] in missing:
        raise missing[names[0]]
    results = speed(codecs, missing, options.wav, options.seconds, options.threads, options.repeats)
    print(speed_text(results))
    if options.out is not None:
        write_json(options.out, results)
    return int(bool(options.rivals and results["missing"]))


def _vocoders(options: argparse.Namespace, words: Sequence[str]) -> int:
    names = options.vocoder or [info.name for info in vocoders()]
    return _tell(vocoder_speed(names, options.wav, options.seconds, options.threads, options.repeats), options.out)


def _priors(options: argparse.Namespace, words: Sequence[str]) -> int:
    sentences = read_sentences(options.sentences, options.num_sentences, options.languages)
    sampling = Sampling(steps=options.steps, guidance=options.guidance)
    results = prior_speed(options.models, sentences, sampling, options.repeats, options.threads, options.precision)
    return _keep(results, prior_text(results), options.out, words)


def _speech(options: argparse.Namespace, words: Sequence[str]) -> int:
    torch.set_num_threads(options.threads)
    (language,) = options.languages
    systems: dict[str, Callable[[], Speaks]] = {
        "audiovq": lambda: PriorVoice(options.model, options.speaker, language),
        "espeak-ng": lambda: EspeakNg(voice_of(language)),
    }
    if language == "en":
        systems["piper-joe"] = PiperJoe
    sentences = read_sentences(options.sentences, options.num_sentences, options.languages)
    results = compare_speech(systems, sentences, language, options.out)
    return _keep(results, speech_text(results), options.out, words)


def _train(options: argparse.Namespace, words: Sequence[str]) -> int:
    return _tell(train_speed(options.recipe, options.variant or [""], options.settings, options.steps), options.out)


def _results(options: argparse.Namespace, words: Sequence[str]) -> int:
    if options.check:
        return check_results()
    write_results()
    return 0


def _keep(results: Mapping[str, Any], text: str, out: Path, words: Sequence[str]) -> int:
    """Write results.json and RESULTS.md, each with the command that made them."""
    command = shlex.join(["python", "-m", "recipes.benchmark", *words])
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "results.json", {"command": command, **results})
    with write_atomically(out / "RESULTS.md") as file:
        file.write(f"    {command}\n\n{text}".encode())
    print(text)
    return 0


def _tell(text: str, out: Path | None) -> int:
    print(text)
    if out is not None:
        out.write_text(text)
    return 0


_COMMANDS = {
    "rivals": _rivals,
    "codecs": _codecs,
    "speed": _speed,
    "vocoders": _vocoders,
    "priors": _priors,
    "speech": _speech,
    "train": _train,
    "results": _results,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rivals", help="which codecs can be measured here, their settings, and how to get the others")

    command = commands.add_parser("codecs", help="code the same utterances with every codec, and score them")
    command.add_argument("data", metavar="DATA_DIR", help="a Kaldi data directory")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="what is done there is kept")
    command.add_argument("--rivals", nargs="+", metavar="CODEC", help="(default: all that can be had here)")
    command.add_argument("--num-utterances", type=int, default=96, metavar="N", help="0 takes all (default: 96)")
    command.add_argument(
        "--min-seconds", type=float, default=1.0, metavar="S", help="leave out shorter ones (default: 1)"
    )
    command.add_argument(
        "--most-seconds", type=float, default=0.0, metavar="S", help="take a part of longer ones (default: all)"
    )
    command.add_argument(
        "--sample-rate", type=int, default=SCORED_RATE, metavar="HZ", help=f"to score at (default: {SCORED_RATE})"
    )
    command.add_argument("--seed", type=int, default=1, metavar="N", help="of the draw (default: 1)")
    command.add_argument(
        "--metrics", nargs="+", default=METRICS, metavar="NAME", help=f"(default: {' '.join(METRICS)})"
    )
    command.add_argument("--num-workers", type=int, default=1, metavar="N", help="processes that score (default: 1)")
    command.add_argument("--store", type=Path, metavar="FILE.json", help="also write the figures to this file")

    command = commands.add_parser(
        "speed", help="seconds of audio encoded and decoded per second, memory, multiply-adds"
    )
    command.add_argument("--model", default="speech-16k", help="a bundled name or a folder; ratios are to it")
    command.add_argument("--rivals", nargs="*", metavar="CODEC", help=f"(default: {' '.join(SPEED_RIVALS)})")
    _add_measure_options(command)
    command.add_argument("--out", type=Path, metavar="FILE.json", help="also write the figures to this file")

    command = commands.add_parser("vocoders", help="seconds of audio made of log-mels per second, beside HiFi-GAN V1")
    command.add_argument(
        "--vocoder", nargs="+", metavar="NAME_OR_FOLDER", help="bundled or your own (default: all that are bundled)"
    )
    _add_measure_options(command)
    command.add_argument("--out", type=Path, help="also write the table to this file")

    command = commands.add_parser("priors", help="codes made per second, beside transformers' generate() of that size")
    command.add_argument(
        "models", nargs="+", metavar="MODEL", help="bundled priors or folders; ratios are to the first"
    )
    _add_sentence_options(command, num_sentences=6)
    command.add_argument("--languages", nargs="+", default=[], metavar="L", help="(default: all of the table)")
    command.add_argument(
        "--steps",
        type=int,
        default=Sampling.steps,
        metavar="N",
        help="of masked priors, a codebook (default: %(default)s)",
    )
    command.add_argument(
        "--guidance",
        type=float,
        default=Sampling.guidance,
        metavar="G",
        help="of all priors and of GPT-2; 1 is none (default: %(default)s)",
    )
    command.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="(default: float32)")
    command.add_argument("--repeats", type=int, default=3, metavar="N", help="(default: 3)")

    command = commands.add_parser("speech", help="sentences spoken by a prior, espeak-ng and Piper's voice joe, scored")
    command.add_argument("model", metavar="MODEL", help="a bundled prior or a folder")
    _add_sentence_options(command, num_sentences=40)
    command.add_argument("--languages", nargs=1, default=["en"], metavar="L", help="one (default: en)")
    command.add_argument("--speaker", metavar="S", help="of the prior (default: the first of the language)")

    command = commands.add_parser("train", help="seconds of audio heard per second of training")
    command.add_argument("--recipe", default="train_tokenizer")
    command.add_argument("--steps", type=int, default=40, help="steps measured, after as many that are not")
    command.add_argument(
        "--variant",
        action="append",
        metavar="SETTINGS",
        help="settings of one row, separated by blanks: 'device=cuda precision=16-mixed'; may be given several times",
    )
    command.add_argument("--out", type=Path, help="also write the table to this file")
    command.add_argument("settings", nargs="*", help="settings of every row, after --")

    command = commands.add_parser("results", help="write RESULTS.md from results/*.json")
    command.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the two disagree")
    return parser


def _add_sentence_options(command: argparse.ArgumentParser, num_sentences: int) -> None:
    """What is spoken, and where the results go."""
    command.add_argument(
        "--sentences", type=Path, metavar="FILE.parquet", help="utt_id, text, speaker, language (default: four to try)"
    )
    how_many = f"evenly over the table; 0 takes all (default: {num_sentences})"
    command.add_argument("--num-sentences", type=int, default=num_sentences, metavar="N", help=how_many)
    command.add_argument("--threads", type=int, default=1, metavar="N", help="(default: 1)")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="results.json and RESULTS.md")


def _add_measure_options(command: argparse.ArgumentParser) -> None:
    """What is measured on, and how often."""
    command.add_argument("--threads", type=int, nargs="+", default=sorted({1, torch.get_num_threads()}), metavar="N")
    command.add_argument("--wav", help="a file to measure on (its first channel) instead of a synthetic voice")
    command.add_argument("--seconds", type=float, default=10.0, help="length of the synthetic voice")
    command.add_argument("--repeats", type=int, default=5)


if __name__ == "__main__":
    sys.exit(main())
