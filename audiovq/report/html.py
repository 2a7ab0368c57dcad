"""Elements of the page as strings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

VOID = {"img", "input", "meta", "br"}


def element(tag: str, attributes: Mapping[str, str | float | bool], *content: str) -> str:
    """An element around markup that is ready; attributes are escaped, True is one without a value, False none."""
    words = [tag, *(_attribute(name, value) for name, value in attributes.items() if value is not False)]
    opening = f"<{' '.join(words)}>"
    return opening if tag in VOID else f"{opening}{''.join(content)}</{tag}>"


def text(words: str) -> str:
    """Words as markup."""
    return escape(words)


def lines(parts: Iterable[str]) -> str:
    """Parts one below the other."""
    return "\n".join(part for part in parts if part)


def number(value: float) -> str:
    """Four digits of a number, fewer where it is large."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def megabytes(num_bytes: int) -> str:
    """A size in MB, or in kB where it is small."""
    return f"{num_bytes / 1e6:.1f} MB" if num_bytes >= 1e6 else f"{num_bytes / 1e3:.0f} kB"


def _attribute(name: str, value: str | float | bool) -> str:
    if value is True:
        return name
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f'{name}="{escape(shown)}"'
