"""The one way a verb of the zoo says no: `Refused` carries code, message, a hint at what to do next, and the status."""

from urllib.parse import quote

from django.http import HttpResponse, JsonResponse


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


class Moved(Refused):
    """The model has another name now. Answered with a redirect that keeps method and body."""

    def __init__(self, old: str, new: str):
        super().__init__("moved", f"{old} is {new} now.", "Use the new name.", status=307)
        self.old, self.new = old, new


def redirect(request, moved: Moved) -> HttpResponse:
    """To the same address, and the same question, under the model's new name."""
    path = request.get_full_path().replace(quote(moved.old), quote(moved.new), 1)
    return HttpResponse(status=307, headers={"Location": path, "Cache-Control": "no-store"})


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


def speaks_hub(request) -> bool:
    """Whether an address belongs to the hub's wire, whose errors have a shape of their own."""
    path = request.path
    return (
        (path.startswith(("/api/", "/cas/", "/_lfs/", "/datasets/", "/spaces/")) and not path.startswith("/api/v1/"))
        or ".git/info/lfs/" in path
        or "/resolve/" in path
    )


def as_hub(request, refusal: Refused) -> HttpResponse:
    """A refusal as the Hub's clients read it: text in the body and in X-Error-Message, the kind in X-Error-Code.

    To somebody who is not signed in a model that is missing, or private, is 401: it may be there after signing in.
    """
    if isinstance(refusal, Moved):
        return redirect(request, refusal)
    text = header_text(f"{refusal.message} {refusal.hint}".strip())
    status = refusal.status
    if refusal.code == "model_not_found" and not request.user.is_authenticated:
        status = 401
    response = JsonResponse({"error": text}, status=status)
    response["X-Error-Message"] = text
    for name, value in refusal.headers.items():
        response[name] = value
    if trace := header_text(request.META.get("HTTP_X_AMZN_TRACE_ID", ""))[:100]:
        response["X-Request-Id"] = trace
    return response
