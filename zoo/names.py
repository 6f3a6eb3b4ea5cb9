"""The converter `<name:...>` of addresses."""

from django.urls import register_converter


class NameConverter:
    """Half of `owner/name`; looked up in the database only."""

    regex = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(NameConverter, "name")
