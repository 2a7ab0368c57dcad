"""A file of scores that grows a line at a time, so that a run that was stopped goes on where it was."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Scores = dict[str, Any]  # what was measured on one utterance, as JSON has it


class ScoreFileError(ValueError):
    """A score file that belongs to something else, or that cannot be read."""


class ScoreFile:
    """JSON lines: what the scores belong to (`subject`), then one object for each utterance under the key "utterance".

    Raises: ScoreFileError when the file holds scores of another subject, or a line inside it is damaged.
    """

    def __init__(self, path: str | os.PathLike[str], subject: Mapping[str, Any]) -> None:
        self.path = Path(path)
        subject = json.loads(json.dumps(subject))  # as it will be read back: tuples become lists
        if self.path.exists():
            self._drop_unfinished_line()
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        if not lines:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._append({"subject": subject})
        objects = [self._parse(number, line) for number, line in enumerate(lines, start=1)]
        if objects:
            self._check(objects[0].get("subject", {}), subject)
        self.scores: dict[str, Scores] = {scores["utterance"]: scores for scores in objects[1:]}

    def add(self, scores: Scores) -> None:
        """Append the scores of one utterance; they are on the disk when this returns."""
        self._append(scores)
        self.scores[scores["utterance"]] = scores

    def _append(self, content: Mapping[str, Any]) -> None:
        line = json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def _drop_unfinished_line(self) -> None:
        """Cut off what a run left that was stopped in the middle of a line."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)

    def _parse(self, number: int, line: str) -> Scores:
        try:
            content = json.loads(line)
            if not isinstance(content, dict) or ("subject" if number == 1 else "utterance") not in content:
                raise ValueError
        except ValueError as error:
            raise ScoreFileError(
                f"{self.path}:{number} is damaged; delete this line or the file to score again"
            ) from error
        return content

    def _check(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        for key in sorted(found.keys() | expected.keys()):
            if found.get(key) != expected.get(key):
                raise ScoreFileError(
                    f"{self.path} holds scores with {key} = {found.get(key)}, this run has {expected.get(key)}: "
                    f"write to another folder, or delete the file to score again"
                )
