"""REST for competitions, at /api/v1/competitions: read, enter, team, hand in, choose; for organisers make, publish, look.

Each route parses, calls one verb, answers; what one may not know of is 404.
"""

from typing import Literal

from django.http import HttpResponse, JsonResponse
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile

from leaderboard import access, answers, exports, rest, submissions
from leaderboard.contests import drafting, finals, judging, ladders, making, people, phases, reveals, rules, teams
from leaderboard.models import Competition, Participant, Submission
from zoo.errors import NotFound, Refused

router = Router(tags=["competitions"])
signed_in, uploader, organiser = rest.SignedIn(), rest.Uploader(), rest.Organiser()


class EnterForm(Schema):
    """`code`: of the invitation link; `accept_terms`: that you have read the terms; `team`: a name for your team of one."""

    code: str = ""
    accept_terms: bool = False
    team: str = ""


class TeamForm(Schema):
    """`value`: the code of a link for join and merge, a name for rename, a user for lead."""

    action: Literal["join", "merge", "leave", "rename", "lead", "renew"]
    value: str = ""


class EntryForm(Schema):
    """The fields beside the file, as for a benchmark. `model` is owner/name@revision."""

    name: str = ""
    model: str = ""
    revision: str = ""
    description: str = ""
    paper_url: str = ""
    code_url: str = ""
    external_data: str = ""
    note: str = ""


class WhyForm(Schema):
    """`why` is kept in the record with your name."""

    why: str = ""


class ImportForm(Schema):
    """The fields beside the zip of a package, with competition.yaml in it or without."""

    owner: str = ""


@router.get("")
def list_competitions(request, limit: int = rest.PAGE, offset: int = 0):
    """Competitions you may know of, newest first."""
    rows = access.visible_competitions(request.user).select_related("benchmark__owner").order_by("-created", "-pk")
    return rest.page(request, rows, "competitions", competition, limit, offset)


@router.post("", auth=organiser)
def create(request, form: Form[ImportForm], file: UploadedFile | None = File(None)):
    """Hand in a package with a split as one zip; with competition.yaml in it, by those rules. 201: a draft; 422: faults."""
    if file is None:
        raise Refused("no_file", "No file was sent.", "Send the package as one zip, in the field file.", status=422)
    made = drafting.from_zip(file, form.owner, request.user)
    response = JsonResponse(competition(made), status=201)
    response["Location"] = f"/api/v1/competitions/{made.slug}"
    return response


@router.get("/{slug}")
def one(request, slug: str):
    """One competition: rules, phases, and for whom is in it, what their team has left."""
    found = making.find(slug, request.user)
    team = teams.of(found, request.user)
    return competition(found) | {"rules": _told(found), "team": _team(found, team, request.user) if team else None}


@router.post("/{slug}/publish", auth=signed_in)
def publish(request, slug: str):
    """Open a draft; its benchmark opens with it."""
    return competition(making.publish(making.find(slug, request.user), request.user))


@router.get("/{slug}/leaderboard")
def leaderboard(
    request,
    slug: str,
    share: Literal["public", "private"] = "public",
    format: Literal["json", "csv", "latex", "markdown"] = "json",
    metric: str = "",
):
    """The standings on public cases; after the reveal, with share=private, the result."""
    found = making.find(slug, request.user)
    board = (finals.public if share == "public" else finals.final)(found, request.user, metric=metric)
    _, media_type, ending = exports.FORMATS[format]
    response = HttpResponse(exports.write(board, format), content_type=media_type)
    if format != "json":
        response["Content-Disposition"] = f'attachment; filename="{found.slug}-{share}.{ending}"'
    return rest.with_etag(request, response)


@router.post("/{slug}/enter", auth=signed_in)
def enter(request, slug: str, form: Form[EnterForm]):
    """Enter a competition; you lead a team of one until you join another."""
    found = people.invited(slug, form.code) if form.code else making.find(slug, request.user)
    mine = people.enter(found, request.user, invitation=form.code, accept_terms=form.accept_terms, team=form.team)
    return {"status": mine.status, "team": mine.team.name if mine.team else None}


@router.get("/{slug}/team", auth=signed_in)
def team(request, slug: str):
    """Your team: members, what it has left; for its leader, the code of its link."""
    found = making.find(slug, request.user)
    mine = teams.of(found, request.user)
    if mine is None:
        raise NotFound("no_team", "You are in no team here.", f"Enter at {found.get_absolute_url()}.")
    return _team(found, mine, request.user)


@router.post("/{slug}/team", auth=signed_in)
def change_team(request, slug: str, form: Form[TeamForm]):
    """Join or merge by the code of a link; leave; as a leader rename, hand over, or end the link."""
    found, user = making.find(slug, request.user), request.user
    verbs = {
        "join": lambda: teams.join(found, user, form.value), "merge": lambda: teams.merge(found, user, form.value),
        "leave": lambda: teams.leave(found, user), "rename": lambda: teams.rename(found, user, form.value),
        "lead": lambda: teams.lead(found, user, form.value), "renew": lambda: teams.renew_link(found, user),
    }  # fmt: skip
    return _team(found, verbs[form.action](), user)


@router.post("/{slug}/submissions", auth=uploader)
def submit(request, slug: str, form: Form[EntryForm], file: UploadedFile | None = File(None)):
    """Hand in for your team. 201: taken; 200: answered from your team's earlier run of the same answer; 422: faults."""
    found = making.find(slug, request.user)
    fields = form.model_dump()
    fields["model"] = fields["model"] or None
    made = submissions.submit(found.benchmark, request.user.namespace, request.user, file=file, **fields)
    answer = answers.submission(made, request.user) | {"reused": made.reused}
    response = JsonResponse(answer, status=200 if made.reused else 201)
    response["Location"] = f"/api/v1/submissions/{made.pk}"
    return response


@router.get("/{slug}/submissions", auth=signed_in)
def own_submissions(request, slug: str, limit: int = rest.PAGE, offset: int = 0):
    """What your team has handed in, newest first, with what is chosen as final."""
    found = making.find(slug, request.user)
    rows = Submission.objects.filter(contest_team=teams.of(found, request.user)).exclude(contest_team=None)
    rows = rows.select_related("benchmark__package", "benchmark__owner", "team", "contest_team", "run", "phase")
    held = ladders.held_back(found.benchmark)
    show = lambda row: answers.submission(row, request.user) | {  # noqa: E731
        "phase": row.phase.name, "chosen": row.chosen is not None, "final": row.final, "held_back": row.pk in held,
    }  # fmt: skip
    return rest.page(request, rows.order_by("-created", "-pk"), "submissions", show, limit, offset)


@router.post("/{slug}/submissions/{int:pk}/choose", auth=signed_in)
def choose(request, slug: str, pk: int, wanted: bool = True):
    """Make a submission one of your team's final ones, or with wanted=false take that back, until the deadline."""
    found = making.find(slug, request.user)
    rows = Submission.objects.filter(contest_team=teams.of(found, request.user)).exclude(contest_team=None)
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound("submission_not_found", "Your team has no such submission.", "See what it has handed in.")
    return {"id": pk, "chosen": reveals.choose(row, request.user, wanted).chosen is not None}


@router.post("/{slug}/private-scores", auth=signed_in)
def private_scores(request, slug: str, form: Form[WhyForm]):
    """For organisers and judges: every entry on private cases. The record says who looked, and why."""
    board = judging.private_scores(making.find(slug, request.user), request.user, form.why)
    return exports.board_dict(board)


def competition(row: Competition) -> dict:
    """What everyone who knows of a competition reads of it."""
    reveals_at = phases.reveals(row)
    return {
        "slug": row.slug, "title": row.title, "description": row.description, "status": row.status,
        "owner": row.owner.name, "benchmark": row.benchmark.slug, "version": row.benchmark.version,
        "private": row.private, "reveals": reveals_at.isoformat() if reveals_at else None,
        "revealed": row.revealed.isoformat() if row.revealed else None, "url": row.get_absolute_url(),
    }  # fmt: skip


def _told(row: Competition) -> dict:
    return {name: value for name, value in rules.described(row).items() if name not in ("slug", "title", "description")}


def _team(found: Competition, row, viewer) -> dict:
    members = Participant.objects.filter(team=row).select_related("user").order_by("created", "pk")
    phase = phases.now_in(found)
    budget = phases.budget(row, phase) if phase else None
    leads = row.leader_id == viewer.pk
    return {
        "name": row.name, "leader": row.leader.username if row.leader else None,
        "members": [member.user.username for member in members], "code": teams.code(row) if leads else None,
        "phase": phase.name if phase else None, "left": budget.left if budget else 0,
        "used": budget.used if budget else None, "of": budget.in_total if budget else None,
    }  # fmt: skip
