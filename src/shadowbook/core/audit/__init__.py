"""Records that nobody can have edited unseen, and the first thing in which two of them differ."""

from shadowbook.core.audit.canonical import canonical_json, chain_hash, digest, digest_array
from shadowbook.core.audit.mismatch import LAYERS, Mismatch, first_mismatch

__all__ = [
    "LAYERS",
    "Mismatch",
    "canonical_json",
    "chain_hash",
    "digest",
    "digest_array",
    "first_mismatch",
]
