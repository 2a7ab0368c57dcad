"""The training of priors over codes, as a command: see __main__."""
