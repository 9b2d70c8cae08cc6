"""A strategy's running portfolios: what to hold, what was traded, what it earned."""
