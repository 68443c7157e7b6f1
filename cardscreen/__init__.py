"""Screens accounts against blocklists of phone numbers and bank cards, in bulk."""

from cardscreen.brakes import Limits, check
from cardscreen.card import Card, card
from cardscreen.errors import (
    BlocklistError,
    Busy,
    CardscreenError,
    ConfigError,
    HeldForApproval,
    InputError,
    MissingColumn,
)
from cardscreen.listings import Blocklist
from cardscreen.phone import Phone, phone
from cardscreen.policy import Policy
from cardscreen.screening import Result, screen
from cardscreen.splitting import split_phones

__all__ = [
    "Blocklist",
    "BlocklistError",
    "Busy",
    "Card",
    "CardscreenError",
    "ConfigError",
    "HeldForApproval",
    "InputError",
    "Limits",
    "MissingColumn",
    "Phone",
    "Policy",
    "Result",
    "card",
    "check",
    "phone",
    "screen",
    "split_phones",
]
