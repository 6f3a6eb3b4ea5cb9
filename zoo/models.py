"""What exists: users and organisations, models with immutable commits, and the blobs their files are made of.

Rows are changed by the verbs in accounts.py, commits.py and blobs.py only; `save()` does nothing special.
"""

import re

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

# First path segments that pages, the REST API, the hub wire or static files use; never a namespace.
_RESERVED = """
about accounts admin api assets badges benchmarks client competitions cas data datasets docs embed events favicon.ico
feeds healthz help hub i18n inputs invite jobs login logout media metrics models new notifications organisations
organizations orgs people projects profile robots.txt runs search settings signup spaces static submissions submit
support tasks teams tokens users v1 v2 well-known .well-known workers _blobs _lfs _static -
"""
RESERVED = frozenset(_RESERVED.split())
NAME = re.compile(r"^(?!.*(--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?\Z")


def validate_name(value: str) -> None:
    """The Hub's rule for the halves of `owner/name`: 1-96 of [A-Za-z0-9._-], no `--` or `..`, no `-` or `.` at an end."""
    if not NAME.match(value) or value.lower().endswith(".git"):
        raise ValidationError(
            "Use 1 to 96 letters, digits, '-', '_' or '.'; no '--' or '..', and no '-' or '.' at either end."
        )


def validate_namespace(value: str) -> None:
    validate_name(value)
    if value.lower() in RESERVED:
        raise ValidationError("This name is reserved; choose another.")


class People(UserManager):
    """Makes a user and their namespace together, by whichever door (`createsuperuser` too)."""

    use_in_migrations = False

    def create_user(self, username, email="", password=None, **fields):
        return self._with_namespace(super().create_user, username, email, password, **fields)

    def create_superuser(self, username, email="", password=None, **fields):
        return self._with_namespace(super().create_superuser, username, email, password, **fields)

    def _with_namespace(self, make, username, email, password, **fields):
        with transaction.atomic():
            user = make(username, email, password, **fields)
            Namespace.objects.create(name=user.username, user=user)
        return user


class User(AbstractUser):
    """A person who signs in. `is_superuser` is the operator. The username is also the name of the user's namespace."""

    username = models.CharField(max_length=96, unique=True, validators=[validate_namespace])
    email = models.EmailField(blank=True)

    objects = People()


class Namespace(models.Model):
    """A user or an organisation: the first half of `owner/name`, and the team that submits."""

    name = models.CharField(max_length=96, unique=True, validators=[validate_namespace])
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.CASCADE, related_name="namespace")
    title = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="namespace_name_ci")]

    def __str__(self):
        return self.name

    @property
    def is_organisation(self) -> bool:
        return self.user_id is None


class Membership(models.Model):
    """A user's place in an organisation: owners manage members and settings, members read and write models."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MEMBER = "member"

    organisation = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="one_membership")]

    def __str__(self):
        return f"{self.user} in {self.organisation}"


class Token(models.Model):
    """A bearer token; only its SHA-256 is kept."""

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"
        ADMIN = "admin"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12, blank=True)  # the last characters, to tell tokens apart on the page
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.READ)
    created = models.DateTimeField(default=timezone.now)
    last_used = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"{self.name} (...{self.hint})"


class Invite(models.Model):
    """A single-use sign-up link; only the SHA-256 of its code is kept."""

    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invites")
    organisation = models.ForeignKey(Namespace, null=True, blank=True, on_delete=models.CASCADE)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()
    used_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self):
        return f"invitation by {self.created_by}"


class Blob(models.Model):
    """File content, stored once under its SHA-256. The row exists only when the bytes are there, whole and hashed."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    git_sha1 = models.CharField(max_length=40)  # git's blob id of the same bytes, for the hub wire
    created = models.DateTimeField(default=timezone.now)
    touched = models.DateTimeField(default=timezone.now, db_index=True)  # when somebody last sent or came to use it
    facts = models.JSONField(default=dict, blank=True)  # what safety.py read from the header (format, tensors, ...)

    def __str__(self):
        return self.sha256


class Model(models.Model):
    """`owner/name` in the zoo."""

    class Gate(models.TextChoices):
        NONE = "", "open"
        AUTO = "auto", "automatic"
        MANUAL = "manual", "manual"

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=96, validators=[validate_name])
    private = models.BooleanField(default=False)
    gated = models.CharField(max_length=6, choices=Gate, default=Gate.NONE, blank=True)
    disabled = models.BooleanField(default=False)
    title = models.CharField(max_length=200, blank=True)
    # derived from the card at the head of main, for search and filters; written by commits.commit_files alone
    card = models.JSONField(default=dict, blank=True)
    task = models.CharField(max_length=96, blank=True, db_index=True)  # slug of the clinical task
    library = models.CharField(max_length=60, blank=True)
    licence = models.CharField(max_length=60, blank=True)
    modality = models.CharField(max_length=60, blank=True)
    anatomy = models.CharField(max_length=60, blank=True)
    parameters = models.BigIntegerField(null=True, blank=True)
    size = models.BigIntegerField(default=0)
    downloads = models.BigIntegerField(default=0)
    created = models.DateTimeField(default=timezone.now)
    updated = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("namespace", Lower("name"), name="model_name_ci")]
        indexes = [models.Index(fields=["private", "-updated"])]

    def __str__(self):
        return f"{self.namespace.name}/{self.name}"

    def get_absolute_url(self):
        return f"/{self}"


class Commit(models.Model):
    """One immutable revision. Its id is never reused for other content."""

    oid = models.CharField(max_length=40, unique=True)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="commits")
    # RESTRICT: no commit goes alone, but all of them may go with their model
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.RESTRICT, related_name="+")
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    title = models.CharField(max_length=300)
    message = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.oid


class File(models.Model):
    """One path of one commit."""

    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=500)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="files")
    lfs = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["commit", "path"], name="one_path_per_commit")]
        ordering = ["path"]

    def __str__(self):
        return self.path

    @property
    def etag(self) -> str:
        """The identity that Hub clients compare: SHA-256 of a large file, git's id of a small one."""
        return self.blob.sha256 if self.lfs else self.blob.git_sha1


class Ref(models.Model):
    """A branch, which moves, or a tag, which does not."""

    class Kind(models.TextChoices):
        BRANCH = "branch"
        TAG = "tag"

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="refs")
    kind = models.CharField(max_length=6, choices=Kind)
    name = models.CharField(max_length=200)
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="refs")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "kind", "name"], name="one_ref")]

    def __str__(self):
        return self.name


class MovedName(models.Model):
    """A name that a model had before. Who asks for it, and may see the model, is sent to where the model is now."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="moved_names")
    name = models.CharField(max_length=96)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="moved_names")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("namespace", Lower("name"), name="moved_name_ci")]

    def __str__(self):
        return f"{self.namespace.name}/{self.name}"


class AccessRequest(models.Model):
    """A person's request for the files of a gated model; `accepted` opens them."""

    class Status(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        REJECTED = "rejected"

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="access_requests")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_requests")
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=1000, blank=True)  # what for, in the person's words
    created = models.DateTimeField(default=timezone.now)
    decided = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "user"], name="one_access_request")]

    def __str__(self):
        return f"{self.user} for {self.model}: {self.status}"


class Download(models.Model):
    """Somebody took a file of a gated model: the owner's log, one row an hour for each person, revision and file."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="download_log")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=96)  # the user's name then; it stays when the account goes
    revision = models.CharField(max_length=40)
    path = models.CharField(max_length=500)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["model", "-created"])]

    def __str__(self):
        return f"{self.name}: {self.path}"


class Upload(models.Model):
    """A person sent these bytes, on behalf of a namespace, and may commit them: for `uploads.LIFETIME` after `created`.

    Knowing a SHA-256 is not enough to commit a blob; a row here, or a model that one may download from, is needed.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="uploads")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="uploads")
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="uploads")
    created = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "namespace", "blob"], name="one_upload")]

    def __str__(self):
        return f"{self.blob_id[:8]} by {self.user}"


class Xorb(models.Model):
    """A run of chunks that a Xet client sent. Clients remember what they sent and refer to it for years, so it is kept,
    and only files of the namespace that sent it can be made of it."""

    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="xorbs")
    hash = models.CharField(max_length=64)  # the client's name for it, not checked by us: what is made of it is
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="xorbs")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "hash"], name="one_xorb")]

    def __str__(self):
        return self.hash
