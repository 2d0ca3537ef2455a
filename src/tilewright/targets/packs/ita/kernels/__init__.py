"""Bindings of the kernels of ITA."""
