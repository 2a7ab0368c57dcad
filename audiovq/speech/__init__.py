"""Text to speech: texts and voices to sound."""

from audiovq.speech.synthesis import Synthesizer, load_synthesizer

__all__ = ["Synthesizer", "load_synthesizer"]
