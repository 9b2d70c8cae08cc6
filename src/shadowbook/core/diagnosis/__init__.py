"""What is wrong with a strategy: a bug, decay, both, or nothing that can be told."""
