"""Where orders go: a paper broker of our own, or a broker over HTTP (Alpaca)."""
