"""Two nights of a synthetic operator and bank, four sources of listings, and planted answers."""

from cardscreen.demo.nights import run_demo as run_demo
from cardscreen.demo.outcome import Outcome as Outcome
