"""Every setting of the service, read from the environment only. A first start needs none of them.

Guarantees: no secret has a default value; nothing here calls out to the internet; everything the service
writes lies in `KENSA_DATA_DIR`, in the database, or in `KENSA_STORAGE_URL`.
"""

import hashlib
import os
import secrets
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: str = "") -> bool:
    return os.environ.get(name, default).lower() in {"1", "true", "yes", "on"}


def _choice(name: str, choices: tuple[str, ...]) -> str:
    value = os.environ.get(name, choices[0])
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
    return value


def _secret_key(folder: Path) -> str:
    """KENSA_SECRET_KEY, or one drawn at the first start and kept (mode 0600) in the data folder."""
    key = os.environ.get("KENSA_SECRET_KEY", "")
    if not key:
        path = folder / "secret_key"
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(50))
        except FileExistsError:
            pass
        key = path.read_text().strip()
    if len(key) < 32 or "change" in key.lower() or key.startswith("django-insecure"):
        raise ImproperlyConfigured(
            "KENSA_SECRET_KEY is too short or a well-known default: use at least 32 random characters "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(50))'), or unset it and one is made for you"
        )
    return key


def _socket(folder: Path) -> Path:
    """Where the embedded broker listens: in the data folder, or under /tmp where that path is too long for a socket."""
    path = folder / "broker.sock"
    if len(os.fsencode(path)) <= 100:
        return path
    return Path("/tmp") / f"kensa-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


DATA_DIR = Path(os.environ.get("KENSA_DATA_DIR") or BASE_DIR / "var").resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = _secret_key(DATA_DIR)
DEBUG = _flag("KENSA_DEBUG")
ALLOWED_HOSTS = [
    host.strip()
    for host in os.environ.get("KENSA_ALLOWED_HOSTS", f"localhost,127.0.0.1,[::1],{socket.gethostname()}").split(",")
    if host.strip()
]
BEHIND_PROXY = _flag("KENSA_BEHIND_PROXY")
if BEHIND_PROXY:
    USE_X_FORWARDED_HOST = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("KENSA_TRUSTED_ORIGINS", "").split(",") if origin]

SIGNUP = _choice("KENSA_SIGNUP", ("open", "invite", "closed"))
# nginx in front sends the bytes of downloads (X-Accel-Redirect to /_blobs/).
ACCEL = _flag("KENSA_ACCEL")
ALLOW_PICKLES = _flag("KENSA_ALLOW_PICKLES")
STORAGE_URL = os.environ.get("KENSA_STORAGE_URL") or (DATA_DIR / "blobs").as_uri()
SHARED_DATA = Path(os.environ.get("KENSA_SHARED_DATA") or BASE_DIR.parent / "shared" / "data")
MAX_FILE_BYTES = int(os.environ.get("KENSA_MAX_FILE_BYTES", 20 * 2**30))
# All files, of all revisions, of one namespace's models; 0 is no limit.
QUOTA_BYTES = int(os.environ.get("KENSA_QUOTA_BYTES", 200 * 2**30))
MAX_PREDICTION_BYTES = int(os.environ.get("KENSA_MAX_PREDICTION_BYTES", 2 * 2**30))
# Decoded and preprocessed inputs that a worker keeps for the next run; 0 keeps none.
PREPARED_BYTES = int(os.environ.get("KENSA_PREPARED_BYTES", 20 * 2**30))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "ninja",
    # Ours before allauth's, so that the account pages wear our templates.
    "zoo",
    "evaluators",
    "leaderboard",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
]
AUTH_USER_MODEL = "zoo.User"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "leaderboard.middleware.headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "zoo.middleware.bearer_token",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "leaderboard.middleware.told",
]
APPEND_SLASH = True

ROOT_URLCONF = "leaderboard.urls"
WSGI_APPLICATION = "leaderboard.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "zoo.context.site",
                "leaderboard.notices.waiting",
            ],
            "builtins": ["zoo.templatetags.kensa"],
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'kensa.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["CONN_MAX_AGE"] = None
    # a file for tests too: the shared in-memory database knows no waiting for a lock, so no race could be tried
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# In the database, so that throttles count across processes and no page depends on the broker.
# Room enough that nobody pushes a throttle's count out by filling it (Django's own limit is 300 entries).
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "kensa_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Celery: the message is a doorbell, the Run row is the truth; so no results, and losing the broker loses nothing.
REDIS_URL = os.environ.get("REDIS_URL") or f"redis+socket://{_socket(DATA_DIR)}"
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_IMPORTS = ("leaderboard.tasks",)
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 30, "max_retries": 1}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"

# Runs: a worker that has not renewed its lease for this long has lost the run.
LEASE_SECONDS = 12
SWEEP_SECONDS = 4

# The house's own accounts: OpenID Connect (any provider), an LDAP directory.
OIDC_URL = os.environ.get("KENSA_OIDC_URL", "")
OIDC_NAME = os.environ.get("KENSA_OIDC_NAME", "Single sign-on")
OIDC_SIGNUP = _flag("KENSA_OIDC_SIGNUP", "1")
if OIDC_URL:
    INSTALLED_APPS.append("allauth.socialaccount.providers.openid_connect")
    _client = {"client_id": os.environ.get("KENSA_OIDC_CLIENT", ""), "secret": os.environ.get("KENSA_OIDC_SECRET", "")}
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [{"provider_id": "sso", "name": OIDC_NAME, "settings": {"server_url": OIDC_URL}} | _client],
        }
    }
SOCIALACCOUNT_ADAPTER = "zoo.signin.SocialAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address is no proof that two accounts are of one person
LDAP_URL = os.environ.get("KENSA_LDAP_URL", "")
LDAP_BIND = os.environ.get("KENSA_LDAP_BIND", "")
LDAP_BASE, LDAP_FILTER = os.environ.get("KENSA_LDAP_BASE", ""), os.environ.get("KENSA_LDAP_FILTER", "(uid={username})")
LDAP_USER, LDAP_PASSWORD = os.environ.get("KENSA_LDAP_USER", ""), os.environ.get("KENSA_LDAP_PASSWORD", "")
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "zoo.signin.Directory",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "zoo.accounts.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/5m/ip,5/5m/key", "signup": "20/h/ip"}
# Mail, where there is a server for it: smtp://user:password@host:587?tls=1 (smtps:// from the first byte).
_mail = urlsplit(os.environ.get("KENSA_EMAIL_URL", ""))
MAIL = bool(_mail.hostname)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL else 'dummy'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", "tls=1" in _mail.query
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("KENSA_EMAIL_FROM") or f"Kensa <kensa@{socket.gethostname()}>"
# What links in mail and signed documents begin with.
ADDRESS = (os.environ.get("KENSA_ADDRESS") or "http://localhost:8000").rstrip("/")
# Hosts that webhooks may be sent to; none unless the operator names them.
WEBHOOK_HOSTS = [host for host in os.environ.get("KENSA_WEBHOOK_HOSTS", "").lower().replace(",", " ").split() if host]
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _flag("KENSA_HTTPS")
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True

DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 * 2**20
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "incoming")
Path(FILE_UPLOAD_TEMP_DIR).mkdir(exist_ok=True)
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "leaderboard" / "locale"]
# Only the languages there is a catalogue for are offered.
LANGUAGES = [("en", "English")] + [
    (code, name) for code, name in [("ja", "日本語")] if (LOCALE_PATHS[0] / code / "LC_MESSAGES" / "django.mo").exists()
]
USE_I18N = True
USE_TZ = True
TIME_ZONE = os.environ.get("KENSA_TIME_ZONE", "UTC")

STATIC_URL = "/static/"
STATIC_ROOT = Path(os.environ.get("KENSA_STATIC_DIR") or DATA_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False
WHITENOISE_USE_FINDERS = DEBUG

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("KENSA_LOG_LEVEL", "INFO")},
}
