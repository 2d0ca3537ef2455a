"""Bindings of N-EUREKA's kernels."""
