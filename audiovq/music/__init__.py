"""Music: drafts, of which some codes are given, to whole pieces."""

from audiovq.music.composition import Composer, load_composer

__all__ = ["Composer", "load_composer"]
