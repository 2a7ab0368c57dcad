"""What every test needs before its own imports."""

import audiovq  # noqa: F401  (before a test imports what imports torchaudio)
