"""What every test needs before its own imports."""

import os
import signal

# A shell lets what it starts in the background ignore SIGINT, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The tensors of the tests are too small for threads to pay; processes that the tests start inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import audiovq  # noqa: E402, F401  (before a test imports what imports torchaudio)
