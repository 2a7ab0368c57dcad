"""audiovq: speech and music as hierarchical discrete codes, and back."""

from audiovq.system import torchaudio_shim  # noqa: F401, I001  (first: everything else may import torchaudio)
from audiovq.codes import Codes
from audiovq.tokenizer import Tokenizer, load, models

__all__ = ["Codes", "Tokenizer", "load", "models"]
__version__ = "0.1.0"
