"""Addresses of the zoo. `<owner>/<name>` matches almost anything, so these come last of all."""

from django.urls import path

from zoo import names  # noqa: F401 - registers <name:...>
from zoo.views import catalogue, downloads, edit, files, gates, models, people

urlpatterns = [
    path("models/", catalogue.models, name="models"),
    path("models/zoo/", catalogue.zoo, name="model_zoo"),
    path("models/new/", edit.new, name="model_new"),
    path("settings/account/", people.account, name="account"),
    path("settings/tokens/", people.my_tokens, name="tokens"),
    path("settings/tokens/<int:pk>/revoke/", people.revoke_token, name="token_revoke"),
    path("settings/organisations/", people.organisations, name="organisations"),
    path("settings/organisations/<name:name>/", people.organisation, name="organisation"),
    path("settings/organisations/<name:name>/add/", people.add_member, name="organisation_add"),
    path("settings/organisations/<name:name>/remove/", people.remove_member, name="organisation_remove"),
    path("settings/organisations/<name:name>/invite/", people.invite_member, name="organisation_invite"),
    path("settings/access/", gates.inbox, name="access_inbox"),
    path("settings/invitations/", people.invitations, name="invitations"),
    path("invite/<str:code>/", people.accept, name="invite"),
    path("<name:owner>/", catalogue.profile, name="profile"),
    path("<name:owner>/<name:name>", models.model, name="model"),
    path("<name:owner>/<name:name>/", models.slash),
    path("<name:owner>/<name:name>/tree/<path:rest>", models.model, name="model_tree"),
    path("<name:owner>/<name:name>/blob/<path:rest>", files.blob, name="model_file"),
    path("<name:owner>/<name:name>/commit/<str:oid>", files.commit, name="model_commit"),
    path("<name:owner>/<name:name>/commits/<path:branch>", models.history, name="model_history"),
    path("<name:owner>/<name:name>/access/", gates.ask, name="model_ask"),
    path("<name:owner>/<name:name>/upload/", edit.upload, name="model_upload"),
    path("<name:owner>/<name:name>/settings/", edit.settings, name="model_settings"),
    path("<name:owner>/<name:name>/settings/downloads/", downloads.log, name="model_downloads"),
    path("<name:owner>/<name:name>/resolve/<path:rest>", models.resolve, name="resolve"),
]
