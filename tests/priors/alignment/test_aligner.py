"""The aligner: its prior, its masks, and that it finds out which sounds belong to which symbols."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from audiovq.losses.forward_sum import forward_sum_loss
from audiovq.priors.alignment.aligner import Aligner, AlignerConfig, beta_binomial_log_prior
from audiovq.priors.alignment.features import frame_features, num_features
from audiovq.priors.alignment.search import monotonic_durations
from tests.models import tiny


def inputs(seed: int = 0) -> tuple[Tensor, ...]:
    """Two items of 5 and 3 symbols, 9 and 6 frames."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 8, 9, generator=generator)
    symbols = torch.tensor([[1, 2, 3, 2, 1], [2, 1, 3, 0, 0]])
    shapes = torch.tensor([5, 3]), torch.tensor([0, 1]), torch.tensor([0, 0])
    return symbols, *shapes, features, torch.tensor([9, 6])


def aligner() -> Aligner:
    torch.manual_seed(0)
    config = AlignerConfig(
        num_symbols=4, num_speakers=2, num_features=8, feature_mean=0.0, feature_scale=1.0, width=16, key_size=8
    )
    return Aligner(config)


def test_what_lies_beyond_an_item_changes_nothing() -> None:
    symbols, num_symbols, speakers, languages, features, num_frames = inputs()
    together = aligner()(symbols, num_symbols, speakers, languages, features, num_frames)
    alone = aligner()(
        symbols[1:, :3], num_symbols[1:], speakers[1:], languages[1:], features[1:, :, :6], num_frames[1:]
    )
    torch.testing.assert_close(together[1:, :6, :3], alone)
    assert (together[1, :, 3:] < -1e6).all()
    torch.testing.assert_close(together.exp().sum(2), torch.ones(2, 9))


def test_the_prior_is_the_beta_binomial_distribution() -> None:
    prior = beta_binomial_log_prior(torch.tensor([6, 4]), torch.tensor([3, 5]), scaling=0.7)
    assert prior.shape == (2, 6, 5)
    for item, (frames, symbols) in enumerate([(6, 3), (4, 5)]):
        for frame in range(frames):
            a, b = 0.7 * (frame + 1), 0.7 * (frames - frame)
            wanted = stats.betabinom(symbols - 1, a, b).logpmf(np.arange(symbols))
            np.testing.assert_allclose(prior[item, frame, :symbols].numpy(), wanted, rtol=1e-5)
    assert not prior[0, :, 3:].any() and not prior[1, 4:].any()


def test_it_learns_which_frames_sound_like_which_symbol() -> None:
    generator = torch.Generator().manual_seed(1)
    sounds = 2 * torch.randn(4, 8, generator=generator)
    symbols = torch.stack([1 + torch.randperm(3, generator=generator).repeat(2) for _ in range(24)])
    durations = torch.randint(2, 6, (24, 6), generator=generator)
    num_frames = durations.sum(1)
    features = torch.zeros(24, 8, int(num_frames.max()))
    for row, count in enumerate(num_frames.tolist()):
        said = symbols[row].repeat_interleave(durations[row])
        features[row, :, :count] = (sounds[said] + 0.3 * torch.randn(count, 8, generator=generator)).T
    shapes = torch.full((24,), 6), torch.zeros(24, dtype=torch.int64), torch.zeros(24, dtype=torch.int64)
    model, optional = aligner(), torch.zeros(24, 6, dtype=torch.bool)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(120):
        log_probs = model(symbols, *shapes, features, num_frames)
        prior = max(0.0, 1 - step / 60) * beta_binomial_log_prior(num_frames, shapes[0])
        loss = forward_sum_loss(log_probs + prior, num_frames, shapes[0], optional).sum() / num_frames.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    log_probs = model(symbols, *shapes, features, num_frames).detach().numpy()
    found = [monotonic_durations(log_probs[row, :count]) for row, count in enumerate(num_frames.tolist())]
    wrong = np.abs(np.stack(found) - durations.numpy())
    assert wrong.mean() < 0.2


@pytest.mark.parametrize("variant", tiny.VARIANTS)
def test_every_tokenizer_has_features_for_each_finest_frame(variant: tuple[str, str, str, str]) -> None:
    model = tiny.model(*variant)
    levels = [torch.zeros(1, k, 3 * factor, dtype=torch.int64) for k, factor in ((1, 1), (1, 2), (2, 4))]
    assert frame_features(model, levels).shape == (1, num_features(model), 12)


def test_a_frame_holds_its_own_mels() -> None:
    model = tiny.model()
    levels = [torch.ones(1, k, 2 * factor, dtype=torch.int64) for k, factor in ((1, 1), (1, 2), (2, 4))]
    mels = model.decode(levels)
    torch.testing.assert_close(frame_features(model, levels)[0, :, 3], mels[0, :, 6:8].flatten())
