"""Which of all ways to compute a network is taken: candidates and the one constraint problem."""
