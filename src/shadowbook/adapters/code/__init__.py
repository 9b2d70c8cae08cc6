"""The code a run is made from (git)."""
