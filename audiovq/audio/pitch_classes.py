"""The names of the twelve pitch classes, from C on; flats are named as sharps."""

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
