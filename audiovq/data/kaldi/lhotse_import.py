"""A data directory out of manifests of lhotse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from lhotse import MonoCut, MultiCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.cut import Cut
from lhotse.serialization import load_manifest

from audiovq.data.kaldi.datadir import DataDir, Segment
from audiovq.data.kaldi.sounds import TOLERANCE_SECONDS
from audiovq.data.kaldi.tables import DataDirError
from audiovq.data.words import squeeze

_GENDERS = {"m": "m", "male": "m", "f": "f", "female": "f"}


class _Utterance(NamedTuple):
    id: str
    recording: Recording
    channels: set[int]
    start_seconds: float
    end_seconds: float
    supervision: SupervisionSegment | None

    @property
    def speaker(self) -> str:
        """One word; an utterance of an unknown speaker is its own, as Kaldi has it."""
        speaker = self.supervision and self.supervision.speaker
        return "_".join(str(speaker or self.id).split())

    @property
    def is_whole(self) -> bool:
        """Whether it is all of its recording."""
        return self.start_seconds == 0 and abs(self.end_seconds - self.recording.duration) < TOLERANCE_SECONDS


def from_manifests(paths: Iterable[Path]) -> DataDir:
    """The directory of the recordings with their supervisions, and of the cuts, that the manifests hold.

    Raises: DataDirError for a file that is no such manifest, and for utterances that a data directory cannot express.
    """
    recordings: dict[str, Recording] = {}
    supervisions: list[SupervisionSegment] = []
    utterances: list[_Utterance] = []
    problems: list[str] = []
    for path in paths:
        manifest = _load(path)
        if isinstance(manifest, RecordingSet):
            recordings.update((recording.id, recording) for recording in manifest)
        elif isinstance(manifest, SupervisionSet):
            supervisions += manifest
        else:
            utterances += chain.from_iterable(_of_cut(cut, problems) for cut in manifest)
    unused = recordings.keys() - {supervision.recording_id for supervision in supervisions}
    problems += [f"the recording {key} has no supervision: is their manifest missing?" for key in sorted(unused)]
    for one in supervisions:
        if one.recording_id in recordings:
            recording = recordings[one.recording_id]
            utterances.append(_Utterance(one.id, recording, _channels(one), one.start, one.end, one))
        else:
            problems.append(f"the supervision {one.id} is of {one.recording_id}: no manifest has that recording")
    problems += chain.from_iterable(map(_what_wav_scp_cannot_name, utterances))
    if problems:
        raise DataDirError("\n".join(problems))
    return _data_dir(utterances)


def _load(path: Path) -> RecordingSet | SupervisionSet | Iterable[Cut]:
    try:
        manifest = load_manifest(path)
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is no manifest that lhotse reads"
        raise DataDirError(f"{path}: {reason}") from error
    return manifest


def _channels(one: SupervisionSegment | MonoCut | MultiCut) -> set[int]:
    return {one.channel} if isinstance(one.channel, int) else set(one.channel)


def _of_cut(cut: Cut, problems: list[str]) -> Iterator[_Utterance]:
    """The utterances of a cut: its supervisions, or without any the cut itself."""
    if not isinstance(cut, MonoCut | MultiCut) or cut.recording is None:
        problems.append(f"the cut {cut.id} is not a part of one recording: save its sound first")
        return
    if not cut.supervisions:
        yield _Utterance(cut.id, cut.recording, _channels(cut), cut.start, cut.end, None)
    for one in cut.supervisions:
        start, end = cut.start + max(0.0, one.start), cut.start + min(cut.duration, one.end)
        yield _Utterance(one.id, cut.recording, _channels(one), start, end, one)


def _what_wav_scp_cannot_name(utterance: _Utterance) -> Iterator[str]:
    recording = utterance.recording
    where = f"{utterance.id}: its recording {recording.id}"
    kinds = [source.type for source in recording.sources]
    if kinds not in (["file"], ["command"]):
        yield f"{where} has the sources {', '.join(kinds)}, expected one file or command: save its sound first"
    if recording.transforms:
        yield f"{where} is changed as it is read, for instance resampled: save its sound first"
    if utterance.channels != set(recording.channel_ids):
        channels = ", ".join(map(str, sorted(utterance.channels)))
        yield f"{where} has {recording.num_channels} channels, the utterance is in {channels}: save its sound first"


def _data_dir(utterances: list[_Utterance]) -> DataDir:
    ids = _kaldi_ids(utterances)
    by_id = dict(zip(ids, utterances, strict=True))
    twice = sorted(key for key, count in Counter(ids).items() if count > 1)
    if twice:
        raise DataDirError(f"{len(twice)} ids are those of several utterances, such as {twice[0]}")
    is_whole = len({one.recording.id for one in utterances}) == len(ids) and all(one.is_whole for one in utterances)
    known = {key: one.supervision for key, one in by_id.items() if one.supervision is not None}
    text = {key: squeeze(one.text) for key, one in known.items() if one.text is not None}
    languages = {key: one.language for key, one in known.items() if one.language}
    genders = {by_id[key].speaker: _GENDERS.get(str(one.gender).lower(), "") for key, one in known.items()}
    speakers = {key: one.speaker for key, one in by_id.items()}
    all_genders = all(genders.get(speaker) for speaker in speakers.values())
    return DataDir(
        wav_scp={key if is_whole else one.recording.id: _source(one.recording) for key, one in by_id.items()},
        utt2spk=speakers,
        text={key: text.get(key, "") for key in by_id} if any(text.values()) else None,
        utt2lang=languages if len(languages) == len(by_id) else None,
        utt2dur={key: one.end_seconds - one.start_seconds for key, one in by_id.items()},
        segments=None
        if is_whole
        else {key: Segment(one.recording.id, one.start_seconds, one.end_seconds) for key, one in by_id.items()},
        reco2dur=None if is_whole else {one.recording.id: one.recording.duration for one in utterances},
        others={"spk2gender": genders} if all_genders else {},
    )


def _kaldi_ids(utterances: list[_Utterance]) -> list[str]:
    """The ids, each with its speaker and a - before it if Kaldi's order of ids and speakers needs it."""
    speaker_of = {one.id: one.speaker for one in utterances}
    speakers = [speaker_of[key] for key in sorted(speaker_of)]
    if all(key.startswith(speaker) for key, speaker in speaker_of.items()) and speakers == sorted(speakers):
        return [one.id for one in utterances]
    return [one.id if one.id.startswith(f"{one.speaker}-") else f"{one.speaker}-{one.id}" for one in utterances]


def _source(recording: Recording) -> str:
    source = recording.sources[0]
    return f"{source.source} |" if source.type == "command" else str(Path(source.source).absolute())
