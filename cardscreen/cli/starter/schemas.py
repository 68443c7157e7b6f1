"""The JSON Schemas of the files that people write, by which their editors complete and check them."""

from __future__ import annotations

import inspect
import typing
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from cardscreen.exchange.agreement import AgreementFile
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.settings.meanings import meanings, summary
from cardscreen.kinds.kind import KINDS
from cardscreen.leads.reports.settings import ReportsFile
from cardscreen.leads.settings import LeadsFile
from cardscreen.leads.targets import ContactsFile
from cardscreen.lists.feeds.feed import Feed
from cardscreen.policy.policy import Policy
from cardscreen.runs.brakes import Limits
from cardscreen.runs.job.file import JobFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {str: "string", bool: "boolean", int: "integer"}
#: The files that people write, and what each may say.
FILES: dict[str, type[BaseModel]] = {
    "job": JobFile,
    "policy": Policy,
    "feed": Feed,
    "leads": LeadsFile,
    "reports": ReportsFile,
    "contacts": ContactsFile,
    "agreement": AgreementFile,
}


class _Described(GenerateJsonSchema):
    """Schemas that say of each key what it means."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        made, model = super().model_schema(schema), schema["cls"]
        said = meanings(model)
        for name, part in made.get("properties", {}).items():
            part |= {"description": said[name]} if name in said else {}
        return made | {"description": summary(model)}


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a job, a policy, a feed, an agreement, or a file of leads, reports or contacts.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in FILES:
        raise ConfigError(f"there is no schema {name!r}{near(name, FILES)}: there are those of {', '.join(FILES)}")
    schema = FILES[name].model_json_schema(schema_generator=_Described)
    if name == "job":
        properties, definitions = schema["properties"], schema.setdefault("$defs", {})
        for key, model in (("limits", Limits), ("policy", Policy)):
            part = model.model_json_schema(schema_generator=_Described)
            definitions |= part.pop("$defs", {})
            properties[key] = part
        properties["policy"]["properties"]["file"] = {"type": "string", "title": "File"}
        properties["identifiers"]["additionalProperties"] = {"anyOf": [_of_kind(kind) for kind in KINDS.values()]}
    return {"$schema": _DIALECT, **schema, "title": f"cardscreen {name}"}


def _of_kind(kind: Any) -> dict[str, Any]:
    """What an identifier column of a kind may say."""
    hints, said = typing.get_type_hints(kind.__init__), meanings(kind)
    options = {
        name: {**_type_of(hints[name]), "description": said[name]} for name in inspect.signature(kind).parameters
    }
    named = {"kind": {"const": kind.name}}
    return {"type": "object", "properties": named | options, "required": ["kind"], "additionalProperties": False}


def _type_of(hint: Any) -> dict[str, Any]:
    """What JSON calls the type of an option, which may be left out."""
    if typing.get_origin(hint) is typing.Literal:
        return {"enum": list(typing.get_args(hint))}
    return {"type": next(_TYPES[each] for each in typing.get_args(hint) or (hint,) if each in _TYPES)}
