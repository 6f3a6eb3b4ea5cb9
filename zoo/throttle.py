"""Counts of hits in fixed windows of time, kept in the cache, so that every process sees the same count.

Parallel hits may count as one now and then; the limits are brakes on guessing and flooding, not quotas.
"""

import time

from django.conf import settings
from django.core.cache import cache


def hit(key: str, limit: int, seconds: int) -> bool:
    """Count one hit; True while there were at most `limit` in this window of `seconds`, then False."""
    slot = f"throttle:{key}:{seconds}:{int(time.time() // seconds)}"
    if cache.add(slot, 1, seconds):
        return limit >= 1
    count = cache.get(slot, 0) + 1
    if count <= limit + 1:  # beyond the limit there is nothing left to count
        cache.set(slot, count, seconds)
    return count <= limit


def client_ip(request) -> str:
    """The address a request came from; behind our own proxy, the one that the proxy saw."""
    if settings.BEHIND_PROXY:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return request.META.get("REMOTE_ADDR", "") or "unknown"
