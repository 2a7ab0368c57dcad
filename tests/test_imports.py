"""Imports go one way: read from the syntax tree, also inside functions, and held against one table."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Who may import whom in audiovq: a name is a module or a folder ("audiovq": __init__.py), free to import inside itself.
ALLOWED: dict[str, set[str]] = {
    "system": set(),
    "units": set(),
    "avq": {"units"},
    "codes": {"system", "units", "avq"},
    "audio": {"system", "units"},
    "nn": {"system", "units"},
    "quantize": {"system", "units"},
    "losses": {"units", "audio"},
    "metrics": {"system", "units", "audio"},
    "train": {"system", "units"},
    "data": {"system", "units", "audio"},
    "models": {"units", "audio", "nn", "quantize"},
    "priors": {"units", "audio", "nn", "quantize", "models"},
    "build": {"audio", "quantize", "models", "priors"},
    "pretrained": {"system", "units", "audio", "models", "priors", "build"},
    "report": {"system", "audio", "metrics", "build"},
    "tokenizer": {"units", "codes", "audio", "nn", "models", "pretrained"},
    "audiovq": {"system", "codes", "tokenizer"},
    "tokens": {"system", "units", "avq", "codes", "data", "metrics"},
    "extraction": {"system", "audio", "codes", "data", "tokenizer", "tokens"},
    "speech": {"audio", "codes", "data", "metrics", "models", "priors", "pretrained", "tokenizer"},
    "music": {"system", "units", "audio", "codes", "metrics", "priors", "pretrained", "tokenizer"},
    "commands": {
        *{"system", "units", "audio", "codes", "data", "metrics", "models", "priors", "pretrained", "report"},
        *{"tokenizer", "tokens", "extraction", "speech", "music"},
    },
    "cli": {"audiovq", "tokenizer", "commands"},
}
NEVER_IN_LIBRARY = {"hydra", "omegaconf", "recipes", "tests"}
SHARED_BY_RECIPES = "schema"


def imported_names(file: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that the file imports; `from a import b` gives a.b."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = [*start, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def members(folder: Path) -> set[str]:
    """The modules and packages directly inside a folder."""
    return {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}


def owner(name: str, package: str, known: set[str]) -> str:
    """The row a dotted name inside `package` belongs to: audiovq.nn.conv.SameConv is in nn, audiovq.load in audiovq."""
    second = name.split(".")[1] if "." in name else ""
    return second if second in known else package


def violations(root: Path) -> list[str]:
    """One line for every import below `root` that the rules do not allow."""
    library, recipes = members(root / "audiovq") | set(ALLOWED), members(root / "recipes")
    found = []
    for file in sorted([*root.glob("audiovq/**/*.py"), *root.glob("recipes/**/*.py")]):
        parts = file.relative_to(root).with_suffix("").parts
        package, row = parts[0], parts[1] if parts[1] != "__init__" else parts[0]
        if package == "audiovq" and row not in ALLOWED:
            found.append(f"{file.relative_to(root)}: {row} has no row in the table of imports")
            continue
        for line, name in imported_names(file, root):
            where, top = f"{file.relative_to(root)}:{line}", name.split(".")[0]
            if name.endswith(".*"):
                found.append(f"{where}: imports * from {name[:-2]}")
            if package == "audiovq" and top in NEVER_IN_LIBRARY:
                found.append(f"{where}: the library imports {top}")
            elif package == top == "audiovq":
                other = owner(name, "audiovq", library)
                if other not in {*ALLOWED[row], row}:
                    found.append(f"{where}: {row} imports {other}")
            elif package == top == "recipes":
                other = owner(name, "recipes", recipes)
                if other not in {row, SHARED_BY_RECIPES}:
                    found.append(f"{where}: recipe {row} imports {other}")
    return found


def test_the_repository_keeps_the_rules() -> None:
    assert len(list(imported_names(ROOT / "audiovq/codes.py", ROOT))) > 5
    assert violations(ROOT) == []


def test_the_table_has_no_cycle() -> None:
    graphlib.TopologicalSorter(ALLOWED).prepare()


def plant(root: Path, file: str, code: str) -> None:
    """A small tree that keeps the rules, but for one file."""
    modules = ["audiovq/__init__", "audiovq/units", "audiovq/cli", "audiovq/tokenizer", "audiovq/train/loop"]
    modules += ["audiovq/models/vqvae", "audiovq/losses/mel", "recipes/__init__", "recipes/schema", "recipes/evaluate"]
    for module in modules:
        path = root / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / file).parent.mkdir(exist_ok=True)
    (root / file).write_text(code)


@pytest.mark.parametrize(
    "file, code, message",
    [
        ("audiovq/units.py", "from audiovq.models.vqvae import VQVAE", ":1: units imports models"),
        ("audiovq/models/vqvae.py", "import audiovq.losses.mel", ":1: models imports losses"),
        ("audiovq/losses/mel.py", "from audiovq import models", ":1: losses imports models"),
        ("audiovq/losses/mel.py", "from ..models.vqvae import VQVAE", ":1: losses imports models"),
        ("audiovq/losses/mel.py", "from .. import models", ":1: losses imports models"),
        ("audiovq/models/vqvae.py", "import os\ndef f():\n    from audiovq import load", ":3: models imports audiovq"),
        ("audiovq/train/loop.py", "def f():\n    import audiovq.models.vqvae", ":2: train imports models"),
        ("audiovq/tokenizer.py", "from audiovq import cli", ":1: tokenizer imports cli"),
        ("audiovq/cli.py", "def f():\n    import hydra.core", ":2: the library imports hydra"),
        ("audiovq/cli.py", "from omegaconf import OmegaConf", ":1: the library imports omegaconf"),
        ("audiovq/cli.py", "from recipes.schema import Config", ":1: the library imports recipes"),
        ("audiovq/cli.py", "from pathlib import *", ":1: imports * from pathlib"),
        ("audiovq/extra/new.py", "", ": extra has no row in the table of imports"),
        ("recipes/train.py", "from recipes.evaluate import main", ":1: recipe train imports evaluate"),
        ("recipes/train.py", "from . import evaluate", ":1: recipe train imports evaluate"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, file: str, code: str, message: str) -> None:
    plant(tmp_path, file, code)
    assert violations(tmp_path) == [file + message]


@pytest.mark.parametrize(
    "file, code",
    [
        (
            "audiovq/models/vqvae.py",
            "import torch\nfrom audiovq.units import num_frames\nfrom audiovq.models import part",
        ),
        ("audiovq/models/vqvae.py", "from .part import Part\nfrom .. import units"),
        ("audiovq/cli.py", "import audiovq\nfrom audiovq import load"),
        (
            "recipes/train.py",
            "import hydra\nimport audiovq\nfrom audiovq.models import vqvae\nfrom recipes.schema import Run",
        ),
    ],
)
def test_a_proper_import_is_not(tmp_path: Path, file: str, code: str) -> None:
    plant(tmp_path, file, code)
    assert violations(tmp_path) == []
