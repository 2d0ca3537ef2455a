"""Kernels for RISC-V cores with XpulpV2: hardware loops, post-increment loads, dot products."""
