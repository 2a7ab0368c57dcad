"""What the figures were measured on."""

import platform
from pathlib import Path

import torch


def machine() -> str:
    """The processor and the versions, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
