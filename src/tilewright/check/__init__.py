"""The judge of programs: it follows every byte, and shares nothing with what makes plans."""
