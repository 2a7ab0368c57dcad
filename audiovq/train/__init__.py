"""Training plumbing that knows no model: checkpoints, averaged weights, schedules, run logs."""
