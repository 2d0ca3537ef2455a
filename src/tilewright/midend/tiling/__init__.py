"""What can be done with runs of steps: tiles, what they need, how long they take."""
