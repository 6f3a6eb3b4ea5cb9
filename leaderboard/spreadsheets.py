"""What a table may hold that a spreadsheet will open."""


def cell(value):
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; missing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
