"""Kernels for clusters of plain RV32 cores."""
