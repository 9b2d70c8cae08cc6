"""``python -m shadowbook``."""

from shadowbook.cli import main

main()
