"""Who may see and do what with benchmarks and submissions: roles x actions as data, and querysets without private rows.

A view starts from `visible_benchmarks` or `visible_submissions`, so a forgotten check gives a 404 and not a leak.
"""

from django.db.models import Q, QuerySet

from evaluators.models import Run
from leaderboard.models import Benchmark, Submission
from zoo import access as zoo_access
from zoo.errors import Refused
from zoo.models import Namespace

OPERATOR = "operator"  # runs the service
OWNER = "owner"  # of a benchmark: leads the namespace that owns it; of a submission: is of the team that handed it in
ORGANISER = "organiser"  # is of the namespace that owns the benchmark
JUDGE = "judge"  # named by a competition
PARTICIPANT = "participant"  # signed in, and one of their teams has submitted here
READER = "reader"  # signed in
ANONYMOUS = "anonymous"
ROLES = (OPERATOR, OWNER, ORGANISER, JUDGE, PARTICIPANT, READER, ANONYMOUS)

HOUSE = frozenset({OPERATOR, OWNER, ORGANISER})
SIGNED_IN = HOUSE | {JUDGE, PARTICIPANT, READER}
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
    "see_finer": HOUSE | {JUDGE},  # subgroups, parts, curves; where labels are public, everyone
    "publish": HOUSE,
    "close": HOUSE,
    "give_away": frozenset({OPERATOR, OWNER}),
}
# On a submission. Its owner is its team; organiser and judge are those of its benchmark.
SUBMISSION = {
    "see": EVERYONE,  # once it is an entry of a board they see
    "see_unfinished": HOUSE | {JUDGE},  # queued, running, rejected, failed, cancelled, withdrawn
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
    "rerun": frozenset({OPERATOR, ORGANISER}),
}
# On a namespace, by who leads it (owner) or belongs to it (organiser). One's own namespace is one's own to lead.
NAMESPACE = {
    "organise": HOUSE,  # make benchmarks that it owns
}
RULES = {Benchmark: BENCHMARK, Submission: SUBMISSION, Namespace: NAMESPACE}
NAMESPACE_ROLES = {
    zoo_access.OPERATOR: OPERATOR, zoo_access.OWNER: OWNER, zoo_access.MEMBER: ORGANISER, zoo_access.READER: READER,
    zoo_access.ANONYMOUS: ANONYMOUS,
}  # fmt: skip

PUBLIC = Q(private=False, status__in=[Benchmark.Status.PUBLISHED, Benchmark.Status.CLOSED])


def visible_benchmarks(user) -> QuerySet[Benchmark]:
    """Benchmarks this user may know of: public ones, and all of the namespaces they belong to."""
    if zoo_access.is_operator(user):
        return Benchmark.objects.all()
    return Benchmark.objects.filter(PUBLIC | Q(owner__in=_mine(user)))


def visible_submissions(user) -> QuerySet[Submission]:
    """Submissions this user may open: entries of boards they see, their teams' own, and all on benchmarks they organise."""
    if zoo_access.is_operator(user):
        return Submission.objects.all()
    entry = Q(benchmark__in=visible_benchmarks(user), run__status=Run.Status.SCORED, withdrawn=None)
    return Submission.objects.filter(entry | Q(team__in=_mine(user)) | Q(benchmark__owner__in=_mine(user)))


def organisable(user) -> QuerySet[Namespace]:
    """The namespaces this user may make benchmarks for: their own and their organisations; operators, all organisations."""
    mine = zoo_access.namespaces_of(user)
    if not zoo_access.is_operator(user):
        return mine
    return Namespace.objects.filter(Q(user=user) | Q(user=None)).order_by("-user_id", "name")


def role(user, thing: Benchmark | Submission | Namespace) -> str:
    """The strongest role of this user on a benchmark, a submission, or a namespace."""
    if isinstance(thing, Namespace):
        return NAMESPACE_ROLES[zoo_access.role(user, thing)]
    towards = zoo_access.role(user, thing.owner if isinstance(thing, Benchmark) else thing.benchmark.owner)
    if towards in (zoo_access.OPERATOR, zoo_access.ANONYMOUS):
        return OPERATOR if towards == zoo_access.OPERATOR else ANONYMOUS
    if isinstance(thing, Benchmark):
        return _role_on_benchmark(user, thing, towards)
    # Organiser before team: an organiser's own baseline is judged by the organiser's rules.
    if towards != zoo_access.READER:
        return ORGANISER
    return OWNER if zoo_access.role(user, thing.team) != zoo_access.READER else READER


def _role_on_benchmark(user, benchmark: Benchmark, towards: str) -> str:
    if towards != zoo_access.READER:
        return OWNER if towards == zoo_access.OWNER else ORGANISER
    return PARTICIPANT if Submission.objects.filter(benchmark=benchmark, team__in=_mine(user)).exists() else READER


def can(user, action: str, thing: Benchmark | Submission | Namespace) -> bool:
    """Whether the table allows `action` on this benchmark, submission or namespace; a mistyped action is a KeyError."""
    return role(user, thing) in RULES[type(thing)][action]


def allowed(user, thing: Benchmark | Submission) -> set[str]:
    """Every action that `can` would allow, for one look at the roles."""
    mine = role(user, thing)
    return {action for action, roles in RULES[type(thing)].items() if mine in roles}


def require(user, action: str, thing: Benchmark | Submission | Namespace) -> None:
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
    """Whether subgroups, parts and curves may be shown: to all where labels are public, else to the organiser."""
    return benchmark.labels == Benchmark.Labels.PUBLIC or can(user, "see_finer", benchmark)


def _mine(user) -> QuerySet:
    return zoo_access.namespaces_of(user).order_by().values("pk")
