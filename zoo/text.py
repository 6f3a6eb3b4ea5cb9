"""Text from strangers, made fit to be stored: PostgreSQL takes no NUL, and UTF-8 no half of a surrogate pair."""


def clean(value: str) -> str:
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_data(value):
    """The same for every text in JSON data, keys too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_data(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean_data(each) for each in value]
    return value


def is_clean(value: str) -> bool:
    """Whether a name could be in the database at all; if not, there is nothing to look up."""
    return clean(value) == value
