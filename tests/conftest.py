"""What every test needs before its own imports."""

import os

# The tensors of the tests are too small for threads to pay; processes that the tests start inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import audiovq  # noqa: F401  (before a test imports what imports torchaudio)
