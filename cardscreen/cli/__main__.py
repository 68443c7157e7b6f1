"""`python -m cardscreen.cli`, for where the command is not on the path."""

from cardscreen.cli.app import main

main()
