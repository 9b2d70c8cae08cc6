"""Each hot job beside its peers, on the same data, in one run."""
