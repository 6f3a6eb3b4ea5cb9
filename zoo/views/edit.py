"""Making a model, uploading to it, and changing or deleting it."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from zoo import access, blobs, commits, forms, grants, uploads
from zoo.errors import Refused
from zoo.models import Model, Namespace
from zoo.views.models import frame


@require_http_methods(["GET", "POST"])
def new(request):
    access.require(request, "publish")
    form = forms.NewModel(request.POST or None, initial={"namespace": request.GET.get("owner", request.user.username)})
    form.fields["namespace"].queryset = access.namespaces_of(request.user)
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        namespace: Namespace = fields.pop("namespace")
        access.require(request, "create", namespace)
        try:
            model = commits.create_model(namespace, author=request.user, **fields)
        except Refused as refusal:
            form.add_error("name", refusal.message)
        else:
            return redirect("model_upload", namespace.name, model.name)
    return render(request, "zoo/new.html", {"form": form}, status=422 if form.errors else 200)


@csrf_exempt  # the forgery check reads the form; the handler that streams it must be set before, see `_upload`
@require_http_methods(["GET", "POST"])
def upload(request, owner: str, name: str):
    net = access.find_model(request.user, owner, name)
    access.require(request, "write", net)
    request.upload_handlers = [uploads.ToBlob(request)]
    return _upload(request, net)


@csrf_protect
def _upload(request, net: Model):
    context = frame(request, net, "upload") | {"fault": None}
    if request.method == "POST":
        try:
            commit = _commit(request, net)
        except Refused as refusal:
            return render(request, "zoo/upload.html", context | {"fault": refusal}, status=refusal.status)
        messages.success(request, f"Stored as revision {commit.oid[:7]}.")
        return redirect("model", owner=net.namespace.name, name=net.name)
    return render(request, "zoo/upload.html", context)


def _commit(request, net: Model):
    uploads.brake(request.user)
    stored = request.FILES.getlist("files")
    if not request.POST.get("complete"):  # the last field of the form
        raise blobs.Incomplete("The form did not arrive whole.")
    if not stored:
        raise Refused("no_file", "No file was chosen.", "Choose one or more files.", status=422)
    folder = request.POST.get("folder", "").strip().strip("/")
    add = {f"{folder}/{file.name}" if folder else file.name: file.blob for file in stored}
    title = request.POST.get("title", "").strip() or f"Upload {', '.join(list(add)[:3])}"
    return commits.commit_files(net, request.user, add=add, title=title)


@require_http_methods(["GET", "POST"])
def settings(request, owner: str, name: str):
    net = access.find_model(request.user, owner, name)
    access.require(request, "manage", net)
    action = request.POST.get("action", "") if request.method == "POST" else ""
    bound = {key: request.POST if action == key else None for key in ("visibility", "gate", "rename", "delete")}
    all_forms = {
        "visibility": forms.Visibility(bound["visibility"], initial={"private": net.private}, prefix="visibility"),
        "gate": forms.Gate(bound["gate"], initial={"gated": net.gated or "none"}, prefix="gate"),
        "rename": forms.Rename(bound["rename"], initial={"name": net.name}, prefix="rename"),
        "delete": forms.Delete(bound["delete"], name=str(net), prefix="delete"),
    }
    if action in all_forms and all_forms[action].is_valid():
        try:
            return _change(request, net, action, all_forms[action].cleaned_data)
        except Refused as refusal:
            all_forms[action].add_error(None, refusal.message)
    status = 422 if action else 200
    return render(request, "zoo/settings.html", frame(request, net, "settings") | {"forms": all_forms}, status=status)


def _change(request, net: Model, action: str, fields: dict):
    if action == "delete":
        commits.delete_model(net)
        messages.success(request, f"{net} is deleted.")
        return redirect("profile", owner=net.namespace.name)
    if action == "gate":
        grants.set_gate(net, fields["gated"])
        messages.success(request, _("Files are given on request now.") if net.gated else _("The files are open now."))
    elif action == "rename":
        commits.rename(net, fields["name"])
        messages.success(request, f"The model is now {net}.")
    else:
        commits.set_visibility(net, fields["private"])
        messages.success(
            request, "Only members see the model now." if net.private else "Everybody can see the model now."
        )
    return redirect("model_settings", owner=net.namespace.name, name=net.name)
