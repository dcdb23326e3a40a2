"""What install.py does: nothing here needs more than Python's standard library."""
