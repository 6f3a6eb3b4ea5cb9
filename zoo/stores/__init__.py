"""Where bytes lie: one module for each scheme of KENSA_STORAGE_URL (`file.py`, `s3.py`), each with a class `Store`.

A store knows names (SHA-256) and bytes, no database. What it shows is whole: `adopt` makes a file appear at once or not at
all. Its `incoming` is a folder on this machine, where files are written before they are adopted.
"""

import re
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SCHEMES = tuple(sorted(module.name for module in iter_modules(__path__)))
_SHA256 = re.compile(r"[0-9a-f]{64}")


def current():
    """The store that KENSA_STORAGE_URL names."""
    return _store(settings.STORAGE_URL)


@lru_cache(maxsize=8)
def _store(url: str):
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise ImproperlyConfigured(
            f"KENSA_STORAGE_URL is {url!r}; it must begin with {' or '.join(name + '://' for name in SCHEMES)}"
        )
    return import_module(f"zoo.stores.{scheme}").Store(url)


def relative(sha256: str) -> str:
    """Where a blob lies in a store. Only 64 lower-case hex digits ever become a path."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def is_sha256(name: str) -> bool:
    return bool(_SHA256.fullmatch(name))
