"""The numerics: torch only, nothing of ours outside this package."""
