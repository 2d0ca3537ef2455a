"""Bindings of the kernels for clusters of RV32 cores."""
