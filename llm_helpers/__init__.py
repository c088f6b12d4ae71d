"""The code that the notebooks share: each piece is built in the open in one of them first.

Data flows one way; a module imports only from those to its left:
``torchtext_compat -> data -> models -> training -> evaluation -> plotting -> widgets``, with
``agent_world`` beside ``evaluation``, and ``checks`` used by notebooks alone.
"""

from . import torchtext_compat  # noqa: F401  (makes torchtext importable on today's torch)

__version__ = "0.1.0"
