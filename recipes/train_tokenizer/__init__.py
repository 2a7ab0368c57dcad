"""The training of tokenizers, as a command: see __main__."""
