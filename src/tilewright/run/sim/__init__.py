"""Cycle-approximate simulator of PULP clusters: see docs/reference/simulator.md.

>>> sim = Simulator(find_machine("siracusa"))
>>> sim.load(Path("hello.elf"))
>>> sim.run(max_cycles=1_000_000)
"""
