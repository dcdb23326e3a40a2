"""Style packs: their manifest, their file, and the store of built-in and installed ones.

Nothing is imported here: reading a manifest must not cost loading torch.
"""
