"""The preparation of a corpus for text to speech, as a command: see __main__."""
