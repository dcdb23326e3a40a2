"""Networks of other projects as ours. Their files are distrusted: nothing in them is executed."""
