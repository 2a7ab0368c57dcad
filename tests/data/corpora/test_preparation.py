"""What is listed of a corpus beside what lhotse's and torchaudio's own preparation make of the same files.

They are not used: they have no split, or lack what the corpus has (LJSpeech's numbers in words, VCTK's p315, the order
of AISHELL-3's manifests). But they know the true folders.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from lhotse import RecordingSet, SupervisionSet
from lhotse.recipes.aishell3 import prepare_aishell3
from lhotse.recipes.commonvoice import _parse_utterance
from lhotse.recipes.librispeech import prepare_librispeech
from lhotse.recipes.libritts import prepare_libritts
from lhotse.recipes.ljspeech import prepare_ljspeech
from lhotse.recipes.vctk import prepare_vctk

from audiovq.data.corpora import CORPORA
from audiovq.data.corpora.layout import read_rows
from tests.miniature_corpora import MINIATURES

PARTS = ["train-clean-100", "dev-clean", "test-clean"]
Manifests = Mapping[str, RecordingSet | SupervisionSet]
Listed = dict[str, tuple[str, str | None]]
"""The text and the speaker of each file."""


def ours(name: str, root: Path) -> Listed:
    MINIATURES[name](root)
    corpus = CORPORA[name](root)  # type: ignore[call-arg]  # what all have in common
    return {str(one.source.path): (one.text, one.speaker) for one in corpus.utterances()}


def theirs(parts: Iterable[Manifests]) -> Listed:
    listed: Listed = {}
    for part in parts:
        both = list(part.values())
        (recordings,) = (one for one in both if isinstance(one, RecordingSet))
        (supervisions,) = (one for one in both if isinstance(one, SupervisionSet))
        for one in supervisions:
            text = (one.custom or {}).get("normalized_text", one.text)
            listed[recordings[one.recording_id].sources[0].source] = (text, one.speaker)
    return listed


def test_librispeech(tmp_path: Path) -> None:
    expected = ours("librispeech", tmp_path)
    assert theirs(prepare_librispeech(tmp_path / "LibriSpeech", dataset_parts=PARTS).values()) == expected


def test_libritts(tmp_path: Path) -> None:
    expected = ours("libritts", tmp_path)
    assert theirs(prepare_libritts(tmp_path / "LibriTTS", dataset_parts=PARTS).values()) == expected


def test_ljspeech(tmp_path: Path) -> None:
    expected = {path: (text, None) for path, (text, _) in ours("ljspeech", tmp_path).items()}
    assert theirs([prepare_ljspeech(tmp_path / "LJSpeech-1.1")]) == expected


def test_vctk(tmp_path: Path) -> None:
    expected = {path: row for path, row in ours("vctk", tmp_path).items() if row != ("", "p315")}
    folder = tmp_path / "VCTK-Corpus-0.92"
    assert theirs([prepare_vctk(folder, use_edinburgh_vctk_url=True, mic_id="mic1")]) == expected


def test_aishell3(tmp_path: Path) -> None:
    expected = ours("aishell3", tmp_path)
    assert theirs(prepare_aishell3(tmp_path).values()) == expected


def test_common_voice(tmp_path: Path) -> None:
    expected = {path: text for path, (text, _) in ours("commonvoice", tmp_path).items()}
    folder = tmp_path / "cv-corpus-13.0-2023-03-09/cy"
    rows = [row for part in ("train", "dev", "test") for row in read_rows(folder / f"{part}.tsv", ["path"], "\t")]
    # What prepare_commonvoice has processes do, each of which would import lhotse.
    parsed = [_parse_utterance(folder, "cy", row) for row in rows]
    assert {one[0].sources[0].source: one[1].text for one in parsed if one} == expected
