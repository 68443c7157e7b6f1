"""Classes whose help shows what users say and call, and nothing of the machinery underneath."""

from __future__ import annotations

from abc import ABCMeta
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class PlainHelp(ABCMeta):
    """The type of classes that list in `_offers` what `dir` and `help` show of them; options are in the docstring."""

    def __dir__(cls) -> list[str]:
        return list(cls.__dict__.get("_offers", ()))


class PlainModel(ModelMetaclass):  # (a metaclass, whose `self` is the class)
    """The same for pydantic's models."""

    def __dir__(self) -> list[str]:
        return list(self.__dict__.get("_offers", ()))
