"""What data must satisfy before anything learns or trades from it."""
