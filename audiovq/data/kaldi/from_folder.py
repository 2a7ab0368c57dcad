"""A data directory of a folder of sound files."""

from __future__ import annotations

from pathlib import Path

from audiovq.audio.io import AudioError
from audiovq.data.corpora.folder import Folder
from audiovq.data.kaldi.datadir import DataDir
from audiovq.data.kaldi.sounds import Sound
from audiovq.data.kaldi.tables import DataDirError


def from_folder(folder: Path, speaker: str = "", language: str = "und") -> tuple[DataDir, list[str]]:
    """All sound files below a folder as they are, and a line for each that cannot be read.

    Args:
        speaker: of all files; empty: the folder that a file is in is its speaker.
    Raises: CorpusError if there are no sound files, DataDirError if none of them can be read.
    """
    utterances = list(Folder(folder.resolve(), speaker=speaker, language=language).utterances())
    seconds, failures = {}, []
    for utterance in utterances:
        try:
            seconds[utterance.id] = Sound(utterance.id, str(utterance.source.path)).seconds()
        except AudioError as error:
            failures.append(str(error))
    kept = [utterance for utterance in utterances if utterance.id in seconds]
    if not kept:
        raise DataDirError("\n".join([*failures, f"{folder}: holds no sound that can be read"]))
    data = DataDir(
        wav_scp={utterance.id: str(utterance.source.path) for utterance in kept},
        utt2spk={utterance.id: utterance.speaker for utterance in kept},
        text={utterance.id: utterance.text for utterance in kept} if any(one.text for one in kept) else None,
        utt2lang={utterance.id: utterance.language for utterance in kept},
        utt2dur=seconds,
    )
    return data, failures
