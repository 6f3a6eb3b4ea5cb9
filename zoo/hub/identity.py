"""Who holds a token; and the small questions that every client asks of its hub."""

from django.http import HttpResponse, JsonResponse

from zoo import cards
from zoo.errors import Refused
from zoo.hub.wire import answers, body, text_of
from zoo.models import Membership

ROLES = {"read": "read", "write": "write", "admin": "write"}


@answers("GET")
def whoami(request):
    user, token = request.user, request.token
    if not user.is_authenticated:
        raise Refused("sign_in", "Send a bearer token to say who you are.", status=401)
    places = Membership.objects.filter(user=user).select_related("organisation").order_by("organisation__name")
    orgs = [_organisation(place) for place in places]
    given = {"displayName": token.name or "token", "role": ROLES[token.scope]} if token else {}
    return JsonResponse(
        {
            "type": "user",
            "id": str(user.pk),
            "name": user.username,
            "fullname": user.get_full_name() or user.username,
            "email": user.email,
            "emailVerified": False,
            "canPay": False,
            "isPro": False,
            "orgs": orgs,
            "auth": {"type": "access_token" if token else "session", "accessToken": given},
        }
    )


def _organisation(place: Membership) -> dict:
    space = place.organisation
    return {
        "type": "org",
        "id": str(space.pk),
        "name": space.name,
        "fullname": space.title or space.name,
        "roleInOrg": "admin" if place.role == Membership.Role.OWNER else "write",
        "isEnterprise": False,
    }


@answers("GET")
def harnesses(request):
    """Asked once a day by every 2.x client, which then knows of none."""
    return JsonResponse({"standardEnvVars": [], "harnesses": {}})


@answers("GET", "POST")
def telemetry(request, rest: str = ""):
    """Taken, and thrown away unread."""
    return HttpResponse(status=204)


@answers("POST", reads_only=True)
def validate_yaml(request):
    """Whether a card's front matter can be read. Asked before each commit with a README.md; always JSON."""
    content = text_of(body(request), "content")
    front, faults = cards.read_front(content)
    warnings = [] if front or faults else [{"message": "The card has no metadata between two lines of ---."}]
    response = JsonResponse({"errors": [{"message": fault} for fault in faults], "warnings": warnings})
    response.status_code = 400 if faults else 200
    return response
