"""What runs in the editors, and what puts it there."""
