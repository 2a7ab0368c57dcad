"""The entry points: one module a task, each run as `python -m recipes.<name>`."""

import audiovq  # noqa: F401  (before a recipe imports what imports torchaudio)
