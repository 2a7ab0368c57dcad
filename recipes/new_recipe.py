"""Make a recipe for a corpus of your own: egs/NAME from egs/TEMPLATE, and its two configurations.

    python -m recipes.new_recipe NAME --data FOLDER
    egs/NAME/codec1/run.sh --dry_run

The folder holds sound files, a folder for each voice (in music: each album), with what is said beside a file in a .txt.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from audiovq.data.corpora import CORPORA
from audiovq.system.files import write_atomically

ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What each file of egs/TEMPLATE becomes.
TARGETS = {
    "README.md": "egs/{name}/README.md",
    "codec1/run.sh": "egs/{name}/codec1/run.sh",
    "corpus.yaml": "configs/corpus/{name}.yaml",
    "experiment.yaml": "configs/experiment/{name}_codec1.yaml",
}


def new_recipe(root: Path, name: str, data: Path) -> list[Path]:
    """Write the files of a recipe into the checkout at `root` and name them.

    Raises: ValueError for a name that cannot be one or is taken, and for a folder that is not there.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name: expected small letters, digits and _, such as my_corpus")
    if not data.is_dir():
        raise ValueError(f"{data} is not a folder: expected one with sound files")
    targets = {root / "egs/TEMPLATE" / source: root / target.format(name=name) for source, target in TARGETS.items()}
    taken = [path for path in targets.values() if path.exists()]
    if name in CORPORA or taken:
        raise ValueError(f"there is a recipe {name} already: choose another name" + "".join(f"\n{p}" for p in taken))
    for source, target in targets.items():
        text = source.read_text("utf-8").replace("TEMPLATE", name).replace("FOLDER", shlex.quote(str(data.resolve())))
        target.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(target) as file:
            file.write(text.encode())
        target.chmod(source.stat().st_mode & 0o777)
    return list(targets.values())


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.new_recipe", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", help="of the recipe, such as my_corpus")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where its sound files lie")
    options = parser.parse_args(arguments)
    try:
        files = new_recipe(ROOT, options.name, options.data)
    except (ValueError, OSError) as error:
        sys.exit(f"new_recipe: {error}")
    print(*(path.relative_to(ROOT) for path in files), sep="\n")
    print(f"Fill in egs/{options.name}/README.md, then: egs/{options.name}/codec1/run.sh --dry_run")


if __name__ == "__main__":
    main()
