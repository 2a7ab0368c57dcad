"""A corpus to a token table: in several processes, in shards on several machines, and on from where it stopped."""

from audiovq.extraction.corpus import Extraction, Shard
from audiovq.extraction.encoding import Model

__all__ = ["Extraction", "Model", "Shard"]
