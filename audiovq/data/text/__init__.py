"""From text to the symbols that a model speaks from."""

from audiovq.data.text.config import BOUNDARY, SPACE, TextConfig, TextError
from audiovq.data.text.frontend import TextFrontend, inventory

__all__ = ["BOUNDARY", "SPACE", "TextConfig", "TextError", "TextFrontend", "inventory"]
