"""The recipe of every corpus: what --dry_run prints is valid, and prepares the corpus' copy in miniature."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from lhotse import load_manifest
from omegaconf import DictConfig, OmegaConf

import recipes.evaluate.__main__
import recipes.pack
import recipes.train_tokenizer.__main__  # noqa: F401  (registers its configuration)
from audiovq.data.kaldi import DataDir
from recipes.new_recipe import TARGETS, main, new_recipe
from recipes.prepare import PrepareConfig, prepare
from recipes.schema import TrainTokenizerConfig
from tests.miniature_corpora import MINIATURES

ROOT = Path(__file__).parents[2]
RECIPES = sorted(path.parts[-3] for path in (ROOT / "egs").glob("*/codec1/run.sh") if "TEMPLATE" not in path.parts)
OF_FOLDERS = {"mini": "folder", "my_folder": "folder"}


def run(script: Path, *arguments: str | Path, python: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": python, "OMP_NUM_THREADS": "1"}
    command = [str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def dry_run(name: str, *arguments: str | Path) -> list[list[str]]:
    """The commands that it prints, each without its Python."""
    result = run(ROOT / f"egs/{name}/codec1/run.sh", "--dry_run", *arguments, python="/there/is/none")
    assert (result.returncode, result.stderr) == (0, "")
    commands = [shlex.split(line) for line in result.stdout.splitlines() if not line.startswith("#")]
    assert all(command[:2] == ["/there/is/none", "-m"] for command in commands)
    return [command[2:] for command in commands]


def configuration(command: list[str]) -> DictConfig:
    module, *overrides = command
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        return compose(module.removeprefix("recipes."), overrides)


def test_every_corpus_has_a_recipe() -> None:
    assert {OF_FOLDERS.get(name, name) for name in RECIPES} == set(MINIATURES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_dry_run_needs_nothing_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    commands = dry_run(name, "--download", "--data", tmp_path / "data", "--exp", tmp_path / "exp")
    stages = ["prepare"] * 4 + ["train_tokenizer", "evaluate", "pack"]
    assert [command[0] for command in commands] == [f"recipes.{stage}" for stage in stages]
    assert [word for command in commands for word in command if word.startswith("step=")] == [
        *("step=download", "step=data_dirs", "step=validate", "step=cuts")
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_printed_is_a_configuration(name: str) -> None:
    rates = set()
    for command in {command[0]: command for command in dry_run(name)}.values():
        config = configuration(command)
        if command[0] == "recipes.train_tokenizer":
            training = OmegaConf.to_object(config)
            assert isinstance(training, TrainTokenizerConfig)
            assert "speech" not in training.name or "speech" in name
            assert training.data.train_cuts.startswith(f"data/{name}/")
            rates.add(training.model.sample_rate)
        elif command[0] == "recipes.prepare":
            rates.add(config.sample_rate)
        elif command[0] == "recipes.pack":
            assert (ROOT / config.data).is_file()
    assert len(rates) == 1


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "mini"])
def test_the_first_stages_make_data_directories_and_cuts(name: str, tmp_path: Path) -> None:
    MINIATURES[OF_FOLDERS.get(name, name)](tmp_path / "corpus")
    paths = ("--corpus_root", tmp_path / "corpus", "--data", tmp_path / "data", "--nj", "1")
    for command in dry_run(name, "--stage", "1", "--stop_stage", "3", *paths):
        config = OmegaConf.to_object(configuration(command))
        assert isinstance(config, PrepareConfig)
        prepare(config)
    assert isinstance(config, PrepareConfig)
    for split in ("train", "valid", "test"):
        cuts = list(load_manifest(tmp_path / f"data/cuts_{split}.jsonl.gz"))
        assert [cut.id for cut in cuts] == list(DataDir.load(tmp_path / f"data/{split}").wav_scp)
        assert {cut.sampling_rate for cut in cuts} == {config.sample_rate}


def test_a_recipe_of_stereo_keeps_both_channels(tmp_path: Path) -> None:
    MINIATURES["debian_music"](tmp_path / "corpus")
    script = ROOT / "egs/debian_music/codec2/run.sh"
    paths = ("--corpus_root", tmp_path / "corpus", "--data", tmp_path / "data", "--nj", "1")
    printed = run(script, "--dry_run", "--stage", "1", *paths, python="/there/is/none").stdout.splitlines()
    commands = [shlex.split(line)[2:] for line in printed if not line.startswith("#")]
    *prepared, trained = [OmegaConf.to_object(configuration(command)) for command in commands[:4]]
    for config in prepared:
        assert isinstance(config, PrepareConfig)
        prepare(config)
    (cut, *_) = load_manifest(tmp_path / "data/cuts_test.jsonl.gz")
    assert cut.num_channels == 2 and cut.load_audio().shape[0] == 2
    assert isinstance(trained, TrainTokenizerConfig)
    assert trained.data.num_channels == 2 and trained.model.sample_rate == cut.sampling_rate == 44100
    assert "stereo" in configuration(commands[4]).metrics
    assert "egs/debian_music/codec2/run.sh" in run(script, "--help", python="").stdout


def test_a_folder_of_music_has_an_experiment_of_its_own() -> None:
    commands = dry_run("my_folder", "--experiment", "my_folder_music", "--sample_rate", "32000")
    prepared, trained = configuration(commands[0]), OmegaConf.to_object(configuration(commands[3]))
    assert isinstance(trained, TrainTokenizerConfig) and trained.name == "my-music-32k"
    assert prepared.sample_rate == trained.model.sample_rate == 32_000
    finetuned = configuration(["recipes.train_tokenizer", "experiment=my_folder_music_finetune"])
    assert finetuned.init_from == "music-32k" and finetuned.model == configuration(commands[3]).model
    stereo = configuration(["recipes.train_tokenizer", "experiment=my_folder_stereo_finetune"])
    assert (stereo.init_from, stereo.init_partly) == ("music-44k", False)
    assert stereo.model == configuration(["recipes.train_tokenizer", "experiment=debian_music_codec2"]).model
    assert stereo.data.train_cuts == finetuned.data.train_cuts


def test_settings_reach_every_step_of_the_preparation(tmp_path: Path) -> None:
    settings = "corpus.parts=[train-clean-100,dev-clean,test-clean] min_seconds=0.5"
    for command in dry_run("librispeech", "--stop_stage", "3", "--prepare_settings", settings):
        config = configuration(command)
        assert list(config.corpus.parts) == ["train-clean-100", "dev-clean", "test-clean"]
        assert config.min_seconds == 0.5


def test_a_missing_corpus_is_said_before_anything_is_made(tmp_path: Path) -> None:
    script = ROOT / "egs/vctk/codec1/run.sh"
    result = run(script, "--stage", "1", "--data", tmp_path / "data", python="/there/is/none")
    assert result.returncode == 1
    assert result.stderr == (
        f"run.sh: {tmp_path}/data/downloads is missing: say where the corpus is with --corpus_root, "
        "or fetch it with --download\n"
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("egs/TEMPLATE", "egs/common", "configs", "recipes"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "clips"))
    return tmp_path


def test_a_new_recipe_runs(checkout: Path) -> None:
    data = checkout / "it's mine (1)"
    MINIATURES["folder"](data)
    files = new_recipe(checkout, "mine", data)
    assert [str(path.relative_to(checkout)) for path in files] == [
        *("egs/mine/README.md", "egs/mine/codec1/run.sh"),
        *("configs/corpus/mine.yaml", "configs/experiment/mine_codec1.yaml"),
    ]
    assert not any(word in path.read_text() for path in files for word in ("TEMPLATE", "FOLDER"))
    script = checkout / "egs/mine/codec1/run.sh"
    result = run(script, "--stop_stage", "1", "--nj", "1", python=sys.executable)
    assert result.returncode == 0, result.stderr
    assert DataDir.load(checkout / "data/mine/test").spk2utt.keys() <= {"ann", "bob", "eve"}


def test_no_file_is_overwritten_by_a_new_recipe(checkout: Path, tmp_path: Path) -> None:
    taken = checkout / "configs/corpus/mine.yaml"
    taken.write_text("mine")
    with pytest.raises(ValueError, match=f"there is a recipe mine already: choose another name\n{taken}"):
        new_recipe(checkout, "mine", tmp_path)
    assert taken.read_text() == "mine" and not (checkout / "egs/mine").exists()
    with pytest.raises(ValueError, match="there is a recipe vctk already"):
        new_recipe(checkout, "vctk", tmp_path)


@pytest.mark.parametrize("name", ["My-Corpus", "../mine", "1st", ""])
def test_a_name_that_cannot_be_one_is_refused(name: str, checkout: Path) -> None:
    with pytest.raises(ValueError, match="cannot be the name: expected small letters, digits and _"):
        new_recipe(checkout, name, checkout)


def test_wrong_calls_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=f"new_recipe: {tmp_path}/none is not a folder"):
        main(["mine", "--data", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as stop:
        main(["mine"])
    assert stop.value.code == 2 and "--data" in capsys.readouterr().err


def test_the_template_has_no_file_that_is_forgotten() -> None:
    folder = ROOT / "egs/TEMPLATE"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(TARGETS)
