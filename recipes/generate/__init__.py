"""Held-out sentences spoken and scored, as a command: see __main__."""
