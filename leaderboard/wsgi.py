"""The WSGI entry that gunicorn serves.

What was loaded by then is never garbage: taken out of the collector's sight, and the collector called less often, a board
of a thousand entries is not interrupted by walks over all of Django.
"""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
application = get_wsgi_application()
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)
