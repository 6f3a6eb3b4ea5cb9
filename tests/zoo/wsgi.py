"""The application with the zoo's routes alone, for the servers that tests start."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")

from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

settings.ROOT_URLCONF = "tests.zoo.urls"
application = get_wsgi_application()
