"""Three nights of a synthetic operator and bank, four sources of listings, and planted answers."""

from cardscreen.cli.demo.nights import run_demo as run_demo
from cardscreen.cli.demo.outcome import Outcome as Outcome
