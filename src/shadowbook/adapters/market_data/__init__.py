"""Market data: sources that deliver rows, and the store that keeps what passed the gate."""
