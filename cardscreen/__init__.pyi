from .brakes import Limits as Limits
from .brakes import check as check
from .cards import Card as Card
from .cards import card as card
from .errors import BlocklistError as BlocklistError
from .errors import Busy as Busy
from .errors import CardscreenError as CardscreenError
from .errors import ConfigError as ConfigError
from .errors import FeedRefused as FeedRefused
from .errors import HeldForApproval as HeldForApproval
from .errors import InputError as InputError
from .errors import MissingColumn as MissingColumn
from .listings import Blocklist as Blocklist
from .phones import Phone as Phone
from .phones import phone as phone
from .policy import Policy as Policy
from .screening import Result as Result
from .screening import screen as screen
from .splitting import split_phones as split_phones
from .store import Store as Store
from .tokens import TokenKey as TokenKey
from .tokens import token as token
from .wallets import Wallet as Wallet
from .wallets import wallet as wallet

__all__: list[str]
