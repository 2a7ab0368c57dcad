"""Token tables: the codes of a corpus in parquet files beside a manifest, opened by whatever reads parquet.

One row an utterance, in the order of `LC_ALL=C sort`: utt_id, speaker, text, language (null where unknown),
num_samples, num_channels, silent_ms (see audiovq.tokens.silence), and for every level, coarse first, a list column
level_0, level_1, ... of the smallest unsigned integers that hold its codes. A list goes frame by frame; in a frame,
channel 0's codebooks come first.
"""

from audiovq.system.optional import optional_package

optional_package("pyarrow", "tokens")  # before the modules that cannot do without it, to say how it is installed

from audiovq.tokens.layout import Entry, Layout, TokenTableError  # noqa: E402
from audiovq.tokens.table import TokenTable  # noqa: E402

__all__ = ["Entry", "Layout", "TokenTable", "TokenTableError"]
