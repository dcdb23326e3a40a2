"""Pure-Python client of the Pastiche daemon, for editors, the command line and scripts."""
