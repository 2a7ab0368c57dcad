"""What is behind the audiovq command: a module for each group of its commands, and what they share."""
