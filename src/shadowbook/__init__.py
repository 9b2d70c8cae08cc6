"""Shadowbook keeps live trading models honest."""

from shadowbook.environment import prepare

__version__ = "0.1.0"

prepare()
