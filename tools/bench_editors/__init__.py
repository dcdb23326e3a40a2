"""What `pastiche bench editors` runs: the real editors of the tests, timed."""
