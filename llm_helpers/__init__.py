"""The code that the notebooks share: each piece is built in the open in one of them first.

Each room has one trade, named in its first line, and imports only from rooms below it;
``tests/test_setup.py`` holds the table of which may import which.
"""

from . import (
    arithmetic,  # noqa: F401  (before the first tensor is computed)
    torchtext_compat,  # noqa: F401  (makes torchtext importable on today's torch)
)

__version__ = "0.1.0"
