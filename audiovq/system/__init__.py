"""What audiovq runs on: disks that fail, other processes, packages that may be missing, kernels that differ."""
