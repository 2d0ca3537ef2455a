"""C sources of the pack, each beside its binding."""
