"""audiovq: speech and music as hierarchical discrete codes, and back."""

from audiovq import _torchaudio  # noqa: F401  (first: everything else may import torchaudio)

__version__ = "0.1.0"
