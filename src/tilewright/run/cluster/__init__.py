"""Programs for clusters of cores on the simulator: what their targets have in common."""
