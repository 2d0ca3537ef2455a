"""Drawn networks and damaged files: what computes them is compared, what differs is made small."""
