"""Screens accounts against blocklists of phone numbers and bank cards, in bulk.

The public names stand in `__init__.pyi`; each is loaded when it is first used, so that the import
itself, and the command line's help, cost next to nothing.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
