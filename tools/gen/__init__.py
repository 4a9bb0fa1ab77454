"""gen - the parts of tools/generate.py: one file a kind of truth."""
