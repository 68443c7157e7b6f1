"""Which release this is."""

from importlib.metadata import version

__version__: str = version("cardscreen")
