"""The FNV-1a hashes (draft-eastlake-fnv) by which the Collector's samplers decide."""

def fnv1a_32(data: bytes) -> int:
    """The 32-bit hash of `data`."""

def fnv1a_64(data: bytes) -> int:
    """The 64-bit hash of `data`."""
