"""Statistics that more than one room of the core uses."""
