"""Data pinned by content (DVC)."""
