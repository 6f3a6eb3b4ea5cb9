"""Who may see and do what with benchmarks, competitions and submissions: roles x actions as data, and querysets without
private rows.

A view starts from `visible_benchmarks`, `visible_competitions` or `visible_submissions`, so a forgotten check gives a 404
and not a leak. While a benchmark is sealed by a competition, `headline` and `subsets` let nobody see more than its public
cases; private scores are seen through competitions.private_scores alone, which keeps a record of it.
"""

from django.db.models import Q, QuerySet

from evaluators.models import Run
from leaderboard.models import Benchmark, Competition, Officer, Participant, Submission
from zoo import access as zoo_access
from zoo.errors import Refused
from zoo.models import Namespace

OPERATOR = "operator"  # runs the service
OWNER = "owner"  # of a benchmark: leads the namespace that owns it; of a submission: is of the team that handed it in
ORGANISER = "organiser"  # is of the namespace that owns the benchmark
JUDGE = "judge"  # named by a competition: sees private scores, and does not compete
OBSERVER = "observer"  # named by a competition: sees it where it is private, and does not compete
PARTICIPANT = "participant"  # signed in, and in the competition; elsewhere, one of their teams has submitted here
READER = "reader"  # signed in
ANONYMOUS = "anonymous"
ROLES = (OPERATOR, OWNER, ORGANISER, JUDGE, OBSERVER, PARTICIPANT, READER, ANONYMOUS)

HOUSE = frozenset({OPERATOR, OWNER, ORGANISER})
JURY = HOUSE | {JUDGE}
SIGNED_IN = JURY | {OBSERVER, PARTICIPANT, READER}
EVERYONE = SIGNED_IN | {ANONYMOUS}

# On a benchmark.
BENCHMARK = {
    "see": EVERYONE,  # its page, board and exports, once published and not private
    "see_unpublished": HOUSE,  # drafts, and private benchmarks
    "submit": SIGNED_IN,
    "submit_unpublished": HOUSE,
    "mark_baseline": HOUSE,
    "download_inputs": SIGNED_IN,  # where the package releases them
    "see_exact": HOUSE,  # numbers before rounding
    "see_finer": JURY,  # subgroups, parts, curves; where labels are public, everyone
    "publish": HOUSE,
    "close": HOUSE,
    "choose_readers": HOUSE,
    "give_away": frozenset({OPERATOR, OWNER}),
}
# On a competition.
COMPETITION = {
    "see": EVERYONE,  # its page and public standings, once published and not private
    "see_unpublished": JURY | {OBSERVER},  # drafts
    "see_hidden": JURY | {OBSERVER, PARTICIPANT},  # where it is private
    "enter": frozenset({READER, PARTICIPANT}),  # organisers, judges and observers do not compete
    "compete": frozenset({PARTICIPANT}),  # submit, invite, join, merge, choose
    "change": HOUSE,
    "publish": HOUSE,
    "appoint": HOUSE,
    "admit": HOUSE,
    "invite": HOUSE,
    "disqualify": HOUSE,
    "rerun": HOUSE,
    "export": HOUSE,
    "see_people": HOUSE,  # who has asked to enter, and who is in which team
    "see_private": JURY,  # private scores before the reveal, with a reason
    "see_flags": JURY,
    "see_audit": JURY,
    "announce": HOUSE,
    "discuss": JURY | {OBSERVER, PARTICIPANT},
    "moderate": HOUSE,
}
# On a submission. Its owner is its team; organiser and judge are those of its benchmark.
SUBMISSION = {
    "see": EVERYONE,  # once it is an entry of a board they see
    "see_unfinished": JURY,  # queued, running, rejected, failed, cancelled, withdrawn
    "see_receipt": EVERYONE,
    "open_receipt": HOUSE,  # what opens its commitment to the answer, which they have already
    "see_note": HOUSE,
    "see_faults": HOUSE,
    "see_file": frozenset({OPERATOR, OWNER}),
    "see_exact": frozenset({OPERATOR, ORGANISER}),
    "see_finer": frozenset({OPERATOR, ORGANISER, JUDGE}),
    "see_log": frozenset({OPERATOR, ORGANISER}),
    "cancel": HOUSE,
    "withdraw": HOUSE,
    "ask_safety": HOUSE,  # once a month; see verdicts.py
    "rerun": frozenset({OPERATOR, ORGANISER}),
}
# On a namespace, by who leads it (owner) or belongs to it (organiser). One's own namespace is one's own to lead.
NAMESPACE = {
    "organise": HOUSE,  # make benchmarks that it owns
}
RULES = {Benchmark: BENCHMARK, Competition: COMPETITION, Submission: SUBMISSION, Namespace: NAMESPACE}
NAMESPACE_ROLES = {
    zoo_access.OPERATOR: OPERATOR, zoo_access.OWNER: OWNER, zoo_access.MEMBER: ORGANISER, zoo_access.READER: READER,
    zoo_access.ANONYMOUS: ANONYMOUS,
}  # fmt: skip

PUBLIC = Q(private=False, status__in=[Benchmark.Status.PUBLISHED, Benchmark.Status.CLOSED])


def visible_benchmarks(user) -> QuerySet[Benchmark]:
    """Benchmarks this user may know of: public ones, all of the namespaces they belong to, and those of their contests."""
    if zoo_access.is_operator(user):
        return Benchmark.objects.all()
    contests = _contests(user)
    mine = Q(owner__in=_mine(user)) | Q(pk__in=contests.exclude(benchmark__status="draft").values("benchmark"))
    return Benchmark.objects.filter(PUBLIC | mine | Q(pk__in=_offices(user).values("benchmark")))


def listed_benchmarks(user) -> QuerySet[Benchmark]:
    """Of the visible ones those that lists, searches and other pages may name to this user: not what is unlisted."""
    rows = visible_benchmarks(user)
    return rows if zoo_access.is_operator(user) else rows.filter(Q(listed=True) | Q(owner__in=_mine(user)))


def visible_competitions(user) -> QuerySet[Competition]:
    """Competitions this user may know of: published ones that are not private, and those they organise or are in."""
    if zoo_access.is_operator(user):
        return Competition.objects.all()
    out = ~Q(status=Competition.Status.DRAFT)
    known = (out & Q(private=False)) | (out & Q(pk__in=_contests(user).values("pk")))
    return Competition.objects.filter(
        known | Q(benchmark__owner__in=_mine(user)) | Q(pk__in=_offices(user).values("pk"))
    )


def _contests(user) -> QuerySet[Competition]:
    """The competitions that have admitted this user."""
    if user is None or not user.is_authenticated:
        return Competition.objects.none()
    admitted = Participant.objects.filter(user=user, status=Participant.Status.ADMITTED)
    return Competition.objects.filter(pk__in=admitted.values("competition"))


def _offices(user) -> QuerySet[Competition]:
    """The competitions that have appointed this user judge or observer."""
    if user is None or not user.is_authenticated:
        return Competition.objects.none()
    return Competition.objects.filter(pk__in=Officer.objects.filter(user=user).values("competition"))


def visible_submissions(user) -> QuerySet[Submission]:
    """Submissions this user may open: entries of boards they see, their teams' own, and all on benchmarks they organise
    or judge."""
    if zoo_access.is_operator(user):
        return Submission.objects.all()
    entry = Q(benchmark__in=visible_benchmarks(user), run__status=Run.Status.SCORED, withdrawn=None, disqualified=None)
    judged = Officer.objects.filter(user=user.pk or 0, role=Officer.Role.JUDGE) if user else Officer.objects.none()
    house = Q(benchmark__owner__in=_mine(user)) | Q(benchmark__competition__in=judged.values("competition"))
    return Submission.objects.filter(entry | own(user) | house)


def own(user) -> Q:
    """Submissions of this user's teams: in a competition the contest's team, elsewhere the namespaces they belong to."""
    teams = Participant.objects.filter(user=getattr(user, "pk", None) or 0).exclude(team=None).values("team")
    return Q(contest_team=None, team__in=_mine(user)) | Q(contest_team__in=teams)


def organisable(user) -> QuerySet[Namespace]:
    """The namespaces this user may make benchmarks for: their own and their organisations; operators, all organisations."""
    mine = zoo_access.namespaces_of(user)
    if not zoo_access.is_operator(user):
        return mine
    return Namespace.objects.filter(Q(user=user) | Q(user=None)).order_by("-user_id", "name")


def role(user, thing: Benchmark | Competition | Submission | Namespace) -> str:
    """The strongest role of this user on a benchmark, a competition, a submission, or a namespace."""
    if isinstance(thing, Namespace):
        return NAMESPACE_ROLES[zoo_access.role(user, thing)]
    towards = zoo_access.role(user, thing.benchmark.owner if isinstance(thing, Submission) else thing.owner)
    if towards in (zoo_access.OPERATOR, zoo_access.ANONYMOUS):
        return OPERATOR if towards == zoo_access.OPERATOR else ANONYMOUS
    if not isinstance(thing, Submission):
        if towards != zoo_access.READER:
            return OWNER if towards == zoo_access.OWNER else ORGANISER
        return _office(user, thing) or (PARTICIPANT if _takes_part(user, thing) else READER)
    # Organiser before team: an organiser's own baseline is judged by the organiser's rules.
    if towards != zoo_access.READER:
        return ORGANISER
    office = _office(user, thing.benchmark)
    if office == JUDGE:
        return JUDGE
    return OWNER if Submission.objects.filter(own(user), pk=thing.pk).exists() else office or READER


def _office(user, thing: Benchmark | Competition) -> str | None:
    """Judge or observer, where the competition of this benchmark, or this competition, has appointed the user."""
    where = {"competition": thing} if isinstance(thing, Competition) else {"competition__benchmark": thing}
    return Officer.objects.filter(user=user, **where).values_list("role", flat=True).first()


def _takes_part(user, thing: Benchmark | Competition) -> bool:
    if isinstance(thing, Competition):
        return _contests(user).filter(pk=thing.pk).exists()
    return (
        Submission.objects.filter(own(user), benchmark=thing).exists()
        or _contests(user).filter(benchmark=thing).exists()
    )


def can(user, action: str, thing: Benchmark | Competition | Submission | Namespace) -> bool:
    """Whether the table allows `action` on this thing; a mistyped action is a KeyError."""
    return role(user, thing) in RULES[type(thing)][action]


def allowed(user, thing: Benchmark | Competition | Submission) -> set[str]:
    """Every action that `can` would allow, for one look at the roles."""
    mine = role(user, thing)
    return {action for action, roles in RULES[type(thing)].items() if mine in roles}


def require(user, action: str, thing: Benchmark | Competition | Submission | Namespace) -> None:
    """Pass, or raise Refused: 401 for a person who is not signed in, 403 for one who is."""
    if can(user, action, thing):
        return
    if not user.is_authenticated:
        raise Refused("sign_in", "You need to be signed in for this.", "Sign in, or send a bearer token.", status=401)
    raise Refused("forbidden", "This is for its organisers.", "Ask a member of the namespace that owns it.", status=403)


def is_organiser(user, benchmark: Benchmark) -> bool:
    """Operators and members of the namespace that owns the benchmark: they see exact numbers and everything finer."""
    return can(user, "see_exact", benchmark)


def sees_finer(user, benchmark: Benchmark) -> bool:
    """Whether subgroups, parts and curves may be shown: to all where labels are public, else to the organiser.

    Of a sealed benchmark to nobody: most of it rests on private cases too.
    """
    if benchmark.sealed:
        return False
    return benchmark.labels == Benchmark.Labels.PUBLIC or can(user, "see_finer", benchmark)


# What a plot is made of: released scores alone; what lies behind them; or curves, which may be released coarsely.
RELEASED, FINER, CURVES = "released", "finer", "curves"


def detail(user, benchmark: Benchmark, made_of: str) -> str:
    """How much of a plot a viewer of the board may see, by what it is made of: "whole", "coarse", or "" for nothing.

    Coarse curves come after a reveal, where the package releases them (`release: [curves]`).
    """
    if made_of == RELEASED or sees_finer(user, benchmark):
        return "whole"
    released = "curves" in (benchmark.package.manifest.get("release") or [])
    return "coarse" if made_of == CURVES and released and _revealed(benchmark) else ""


def _revealed(benchmark: Benchmark) -> bool:
    return not benchmark.sealed and Competition.objects.filter(benchmark=benchmark).exclude(revealed=None).exists()


def headline(benchmark: Benchmark) -> str:
    """The subset that its board ranks and that scores are told on: all cases, or the public ones while it is sealed."""
    return "public" if benchmark.sealed else "all"


def _mine(user) -> QuerySet:
    return zoo_access.namespaces_of(user).order_by().values("pk")
