"""JSON that somebody else wrote: fields by type, with errors that name the field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from tilewright.errors import ModelError


@dataclass(frozen=True, slots=True)
class JsonFields:
    """One JSON object. Each method raises ModelError where a field is missing (and has no default)
    or of another type. A field that is null is as one that is missing."""

    name: str
    values: Mapping[str, object]

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(key, "a whole number")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        """A number."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number")
        return float(min(value, 10**300))

    def flag(self, key: str, default: bool) -> bool:
        """A truth value."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "a truth value")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def items(self, key: str) -> list[object]:
        """An array, of anything."""
        value = self._get(key, None)
        if not isinstance(value, list):
            raise self._wrong(key, "an array")
        return cast(list[object], value)

    def objects(self, key: str) -> list["JsonFields"]:
        """An array of objects; other items are left out."""
        return [
            JsonFields(self.name, cast(dict[str, object], item))
            for item in self.items(key)
            if isinstance(item, dict)
        ]

    def fields(self, key: str) -> "JsonFields":
        """An object."""
        value = self._get(key, None)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return JsonFields(f"{self.name}: {key}", cast(dict[str, object], value))

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self.values.get(key) is not None

    def _get(self, key: str, default: object) -> object:
        value = self.values.get(key)
        return default if value is None else value

    def _wrong(self, key: str, wanted: str) -> ModelError:
        found = "is something else" if self.has(key) else "is missing"
        return ModelError(f"{self.name}: {key} {found}; it must be {wanted}")


def parse_json(name: str, raw: bytes) -> JsonFields:
    """The object in ``raw``. Raises ModelError for what is no JSON object, or has a key twice."""
    try:
        value: object = json.loads(raw.decode(), object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{name}: this is no JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{name}: this JSON is no object")
    return JsonFields(name, cast(dict[str, object], value))


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twin = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {twin!r} is there twice")
    return found
