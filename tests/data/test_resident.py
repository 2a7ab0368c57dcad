"""A corpus in memory."""

import itertools

import torch
from torch import Tensor

from audiovq.data.resident import SHORTEST_SECONDS, ResidentCorpus, Stretch

RATE, HOP = 1000, 16
WAVES = {
    name: (torch.arange(size) % 199 + offset) / 1000
    for name, size, offset in (("a", 2500, 0), ("b", 700, 200), ("c", 9001, 400))
}


def corpus() -> ResidentCorpus:
    return ResidentCorpus(((name, wave[None]) for name, wave in WAVES.items()), RATE, torch.device("cpu"))


def whole() -> Tensor:
    return torch.cat(list(WAVES.values()))


def batches(epoch: int, speeds: tuple[float, ...] = (1.0,)) -> list[list[Stretch]]:
    return corpus().epoch_batches(1.0, 3.0, speeds, seed=1, epoch=epoch)


def test_items_are_what_was_recorded() -> None:
    for epoch in range(3):
        drawn = batches(epoch)
        for share, batch in zip(drawn, corpus().load(drawn, HOP, 1, epoch), strict=True):
            assert batch.wave.shape[-1] % HOP == 0 and batch.num_valid == int(batch.num_frames.sum())
            for row, frames, stretch in zip(batch.wave[:, 0], batch.num_frames, share, strict=True):
                assert int(frames) == -(-stretch.num_samples // HOP)
                expected = whole()[stretch.first : stretch.first + stretch.num_samples]
                assert (row[: stretch.num_samples] - expected).abs().max() < 1e-4
                assert not row[stretch.num_samples :].any()


def test_an_epoch_hears_every_sample_once_but_for_short_ends() -> None:
    heard = torch.zeros(len(whole()))
    for stretch in itertools.chain(*batches(0)):
        heard[stretch.first : stretch.first + stretch.num_samples] += 1
    assert heard.max() == 1
    most_missing = 2 * len(WAVES) * round(SHORTEST_SECONDS * RATE)
    assert 0 <= len(heard) - int(heard.sum()) <= most_missing


def test_windows_never_reach_into_another_recording() -> None:
    ends = torch.tensor([len(wave) for wave in WAVES.values()]).cumsum(0)
    for epoch in range(20):
        for stretch in itertools.chain(*batches(epoch)):
            first, last = stretch.first, stretch.first + stretch.num_samples - 1
            assert int((ends <= first).sum()) == int((ends <= last).sum())


def test_windows_follow_from_seed_and_epoch_alone() -> None:
    assert batches(4) == batches(4)
    assert batches(4) != batches(5)


def test_a_slower_item_is_longer_and_lower() -> None:
    tone = torch.sin(2 * torch.pi * 100 * torch.arange(1000) / RATE) / 2
    loaded = ResidentCorpus([("tone", tone[None])], RATE, torch.device("cpu"))
    (share,) = loaded.epoch_batches(2.0, 3.0, [0.8], seed=1, epoch=0)
    (batch,) = loaded.load([share], HOP, 1, 0)
    assert batch.num_frames.tolist() == [-(-1250 // HOP)] and batch.audio_seconds == 1.25
    spectrum = torch.fft.rfft(batch.wave[0, 0, :1250]).abs()
    assert int(spectrum.argmax()) * RATE / 1250 == 80


def test_an_empty_share_counts_nothing() -> None:
    (batch,) = corpus().load([[]], HOP, 1, 0)
    assert batch.num_valid == 0 and batch.audio_seconds == 0 and not batch.wave.any()


def test_both_channels_are_of_one_place() -> None:
    stereo = ResidentCorpus(
        ((name, torch.stack([wave, -wave])) for name, wave in WAVES.items()), RATE, torch.device("cpu")
    )
    mono, drawn = corpus(), batches(0, (0.9, 1.0))
    assert stereo.seconds == mono.seconds and stereo.epoch_batches(1.0, 3.0, (0.9, 1.0), seed=1, epoch=0) == drawn
    for both, alone in zip(stereo.load(drawn, HOP, 1, 0), mono.load(drawn, HOP, 1, 0), strict=True):
        torch.testing.assert_close(both.wave, torch.cat([alone.wave, -alone.wave], dim=1))
        assert torch.equal(both.num_frames, alone.num_frames) and both.audio_seconds == alone.audio_seconds
