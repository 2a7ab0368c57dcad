"""Sound files, resampling, log-mel spectrograms and their way back to sound."""
