"""Compress and decompress as a story: `encoder` and `decoder`."""
