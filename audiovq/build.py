"""From configurations to objects: one explicit table, and configurations as plain dictionaries and back."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

from torch import nn

from audiovq.audio.mel import LogMel, LogMelConfig
from audiovq.models import VQVAE, VQVAEConfig
from audiovq.models.vocoder import Vocoder, VocoderConfig

T = TypeVar("T")

# Adding a model is its file and one line here.
CLASSES: dict[type, type[nn.Module]] = {LogMelConfig: LogMel, VQVAEConfig: VQVAE, VocoderConfig: Vocoder}


def build(config: object) -> nn.Module:
    """The object that a configuration describes."""
    cls = CLASSES.get(type(config))
    if cls is None:
        known = ", ".join(sorted(key.__name__ for key in CLASSES))
        raise TypeError(f"nothing is built from a {type(config).__name__}; known configurations: {known}")
    return cls(config)


def config_to_dict(config: Any) -> dict[str, Any]:
    """A configuration as plain values, ready for JSON."""
    return dataclasses.asdict(config)


def differing_fields(config: Any, other: Any) -> list[str]:
    """The names of the fields in which two configurations of one class differ."""
    values, others = config_to_dict(config), config_to_dict(other)
    return [name for name, value in values.items() if others[name] != value]


def config_from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """The configuration of class ``cls``; unknown, misspelt and missing keys are errors.

    Raises: ValueError naming the key and what was expected.
    """
    return _from_dict(cls, values, cls.__name__)


def _from_dict(cls: type[T], values: dict[str, Any], where: str) -> T:
    if not isinstance(values, dict):
        raise ValueError(f"{where} is {values!r}, expected a table of its fields")
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise ValueError(f"{where} has no field {', '.join(unknown)}; its fields are {', '.join(hints)}")
    fields = dataclasses.fields(typing.cast(Any, cls))
    absent = dataclasses.MISSING
    required = {each.name for each in fields if each.default is absent and each.default_factory is absent}
    if missing := sorted(required - set(values)):
        raise ValueError(f"{where} lacks the field {', '.join(missing)}")
    return cls(**{name: _value(hints[name], value, f"{where}.{name}") for name, value in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _from_dict(typing.cast(type, hint), value, where)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        raise TypeError(f"{where}: configurations hold no unions")
    if origin is list:
        (item,) = typing.get_args(hint)
        if not isinstance(value, list):
            raise ValueError(f"{where} is {value!r}, expected a list")
        return [_value(item, entry, f"{where}[{index}]") for index, entry in enumerate(value)]
    if origin is dict:
        _, item = typing.get_args(hint)
        if not isinstance(value, dict):
            raise ValueError(f"{where} is {value!r}, expected a table")
        return {name: _value(item, entry, f"{where}.{name}") for name, entry in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ValueError(f"{where} is {value!r}, expected {hint.__name__}")
    return value
