"""Benchmarks: each prints a table, writes JSON, names the machine and checks its bars."""
