"""Programs of codecs that are no more than a few lines of Python, so that tests need none of the real ones."""

import sys
from pathlib import Path

import pytest


def lay_down(folder: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str]) -> None:
    """Make these the only programs there are; each script sees its arguments as `words`, and files as bytes."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        path = folder / name
        path.write_text(
            f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\nwords = sys.argv[1:]\n"
            f"open({str(folder / 'calls')!r}, 'a').write(' '.join([{name!r}, *words]) + '\\n')\n{script}"
        )
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def calls(folder: Path) -> list[list[str]]:
    """What was run, word by word, without the folders of files."""
    return [[Path(word).name for word in line.split()] for line in (folder / "calls").read_text().splitlines()]
