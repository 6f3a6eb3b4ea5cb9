from importlib import import_module

from django.apps import AppConfig


class LeaderboardConfig(AppConfig):
    name = "leaderboard"

    def ready(self):
        # Not an import at the top: models cannot be imported before the apps are loaded.
        import_module("leaderboard.panels")
        import_module("leaderboard.contests.reveals")
        for makers in ("compare", "ranking", "schemes", "yardsticks"):  # what workers compute for pages
            import_module(f"leaderboard.{makers}")
        import_module("leaderboard.tasks")
        import_module("leaderboard.notices")
        import_module("leaderboard.mails")
        import_module("leaderboard.webhooks")
        import_module("leaderboard.retention")
