"""The training of vocoders and waveform decoders, as a command: see __main__."""
