"""The feature log and the feature store (Feast)."""
