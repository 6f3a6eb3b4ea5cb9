"""The one way a verb of the zoo says no: `Refused` carries code, message, a hint at what to do next, and the status."""

from django.http import JsonResponse


class Refused(Exception):
    """A verb's refusal, in words for the person who asked. `status` is the HTTP status that a route answers with."""

    def __init__(self, code: str, message: str, hint: str = "", status: int = 400):
        super().__init__(message)
        self.code, self.message, self.hint, self.status = code, message, hint, status
        self.headers: dict[str, str] = {}


class NotFound(Refused):
    """Nothing of this name, or nothing that this person may know of: the two read the same."""

    def __init__(self, code: str, message: str, hint: str = ""):
        super().__init__(code, message, hint, status=404)


def body(code: str, message: str, hint: str = "") -> dict:
    """The one shape of every JSON error."""
    return {"error": {"code": code, "message": message, "hint": hint}}


def header_text(text: str) -> str:
    """One printable ASCII line, as a header needs."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:400]


def as_json(refusal: Refused) -> JsonResponse:
    response = JsonResponse(body(refusal.code, refusal.message, refusal.hint), status=refusal.status)
    response["X-Error-Message"] = header_text(refusal.message)
    for name, value in refusal.headers.items():
        response[name] = value
    return response
