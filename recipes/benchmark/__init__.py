"""How fast audiovq is: figures side by side, measured in one run."""
