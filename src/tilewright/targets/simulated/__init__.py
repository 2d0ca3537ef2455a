"""What targets have in common whose programs run on the simulator that ships here."""
