"""Pieces of a corpus: nothing is lost, none is too large, and each has its share of every voice."""

import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet
from lhotse.cut import Cut

from audiovq.data.cuts import write_cuts
from audiovq.data.kaldi import DataDir
from audiovq.data.pieces import PieceError, mixed, pack, unpack

RATE = 8000
MAX_BYTES = 60_000


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> CutSet:
    """Three voices of 40, 20 and 4 recordings of half a second of noise, which FLAC hardly makes smaller."""
    folder = tmp_path_factory.mktemp("wavs")
    draw = np.random.default_rng(0)
    wavs, speakers = {}, {}
    for speaker, number in (("a", 40), ("b", 20), ("c", 4)):
        for index in range(number):
            path = folder / f"{speaker}-{index:02d}.wav"
            soundfile.write(path, draw.uniform(-0.5, 0.5, RATE // 2), RATE)
            wavs[path.stem], speakers[path.stem] = str(path), speaker
    data = DataDir(wav_scp=wavs, utt2spk=speakers, text=dict.fromkeys(wavs, "so und so"))
    write_cuts(data, folder / "cuts.jsonl.gz")
    return CutSet.from_file(folder / "cuts.jsonl.gz").to_eager()


def as_rows(cuts: list[Cut]) -> dict[str, tuple[bytes, str, str]]:
    return {cut.id: (cut.load_audio().tobytes(), cut.supervisions[0].speaker, cut.supervisions[0].text) for cut in cuts}


def test_what_is_packed_is_unpacked(cuts: CutSet, tmp_path: Path) -> None:
    pieces = list(pack(mixed(cuts, 1), tmp_path / "pieces", MAX_BYTES))
    assert len(pieces) > 4 and all(piece.stat().st_size <= MAX_BYTES for piece in pieces)
    assert sorted((tmp_path / "pieces").iterdir()) == pieces
    assert as_rows(list(unpack(pieces, tmp_path / "data"))) == as_rows(list(cuts))


def test_every_piece_has_its_share_of_every_voice(cuts: CutSet) -> None:
    order = mixed(cuts, 1)
    for start in range(0, 64, 16):
        voices = Counter(cut.supervisions[0].speaker for cut in order[start : start + 16])
        assert voices["a"] in (9, 10, 11) and voices["b"] in (4, 5, 6) and voices["c"] in (0, 1, 2)


def test_the_order_does_not_depend_on_how_the_cuts_come(cuts: CutSet) -> None:
    by_id = sorted(cuts, key=lambda cut: str(cut.id))
    assert [cut.id for cut in mixed(by_id, 1)] == [cut.id for cut in mixed(by_id[::-1], 1)]


def test_pieces_may_come_one_by_one(cuts: CutSet, tmp_path: Path) -> None:
    first, second, *_ = pack(mixed(cuts, 1), tmp_path / "pieces", MAX_BYTES)
    early = as_rows(list(unpack([first], tmp_path / "data")))
    first.unlink()
    both = as_rows(list(unpack([first, second], tmp_path / "data")))
    assert set(early) < set(both)
    assert both == as_rows([cut for cut in cuts if cut.id in both])


def test_a_piece_that_is_cut_off_leaves_nothing(cuts: CutSet, tmp_path: Path) -> None:
    piece = next(pack(mixed(cuts, 1), tmp_path / "pieces", MAX_BYTES))
    whole = piece.read_bytes()
    for size in (0, 700, 20_000, 40_000):
        piece.write_bytes(whole[:size])
        with pytest.raises(PieceError, match="piece-000"):
            unpack([piece], tmp_path / "data")
        assert list((tmp_path / "data").iterdir()) == []


def test_a_piece_without_a_sound_says_which(cuts: CutSet, tmp_path: Path) -> None:
    piece = next(pack(mixed(cuts, 1), tmp_path / "pieces", MAX_BYTES))
    with tarfile.open(piece) as archive:
        archive.extractall(tmp_path / "in")
    with tarfile.open(piece, "w") as archive:
        for part in sorted((tmp_path / "in").iterdir()):
            if part.name != "000003.flac":
                archive.add(part, part.name)
    with pytest.raises(PieceError, match=r"1 of \d+ sounds are not in it, 000003.flac the first"):
        unpack([piece], tmp_path / "data")


def test_a_recording_larger_than_a_piece_is_an_error(cuts: CutSet, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a-\d+ alone takes \d+ bytes as FLAC, more than a piece of 15000 holds"):
        list(pack(cuts, tmp_path, 15_000))
