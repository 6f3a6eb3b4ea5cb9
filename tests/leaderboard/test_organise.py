"""Benchmarks from uploaded packages, by form and REST: good and bad ones, hostile ones, who may, publishing and closing."""

import io
import zipfile

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from evaluators import contents, sandbox
from evaluators.faults import Faults
from evaluators.models import Package, Run
from leaderboard import access, benchmarks, intake
from leaderboard.models import Benchmark, Claim, Submission, Task
from leaderboard.views import organise
from tests.leaderboard.pages import read
from tests.packages import binary, write_manifest
from zoo.models import Blob

ADDRESS = "/benchmarks/new/"
REST = "/api/v1/benchmarks"


def pixel(value: int) -> bytes:
    """A PNG of one grey pixel."""
    out = io.BytesIO()
    Image.new("L", (1, 1), value).save(out, "PNG")
    return out.getvalue()


LESION = pixel(1)


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def packed(source) -> io.BytesIO:
    """A folder, or {name: bytes}, as a zip that is ready to be posted."""
    if not isinstance(source, dict):
        source = {
            path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()
        }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in source.items():
            archive.writestr(name, content)
    out.seek(0)
    out.name = "package.zip"
    return out


def kept() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Benchmark, Package, Task, Claim, Blob))


def maps(folder, reference: bytes):
    """A segmentation package of two cases, whose label maps are these bytes."""
    write_manifest(folder, kind="segmentation", classes=["lesion"], metrics={"primary": "dice"})
    (folder / "reference").mkdir()
    (folder / "reference" / "mask.png").write_bytes(reference)
    (folder / "cases.csv").write_text("case_id,patient_id,reference\na,p1,mask.png\nb,p2,mask.png\n")
    return folder


@pytest.fixture
def member(cast):
    return signed_in(cast.member)


def test_a_good_package_becomes_a_draft_of_the_chosen_owner(member, folder, labels, cast):
    page = read(member.get(ADDRESS))
    assert "New benchmark" in page.text and "hospital" in page.text and "at most" in page.text
    sent = member.post(ADDRESS, {"file": packed(folder), "owner": "hospital"})
    made = Benchmark.objects.get()
    assert (sent.status_code, sent["Location"]) == (302, "/benchmarks/tumour-or-not/"), sent.content
    assert (made.status, made.owner, made.package.cases, made.steps) == ("draft", cast.hospital, 60, {})
    assert member.get(sent["Location"]).status_code == 200
    assert signed_in(cast.stranger).get(sent["Location"]).status_code == 404


def test_publish_at_once_publishes_and_the_same_package_again_changes_nothing(member, folder, labels):
    fields = {"owner": "hospital", "publish": "yes"}
    assert member.post(ADDRESS, {"file": packed(folder)} | fields).status_code == 302
    made = Benchmark.objects.get()
    assert made.status == "published" and set(made.steps) == {"auroc", "average_precision", "balanced_accuracy"}
    again = member.post(ADDRESS, {"file": packed(folder)} | fields, follow=True)
    assert "was here already" in read(again).text and Benchmark.objects.count() == 1


def test_every_fault_is_listed_with_file_line_column_and_remedy_and_nothing_is_kept(member, folder, labels):
    write_manifest(folder, clases=["x"], metrics={"primary": "aurok"})
    rows = (folder / "cases.csv").read_text().splitlines()
    rows[4] = "case-0003,patient-0001,malignent"
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    (folder / "claims.yaml").write_text("- {name: x, metric: auroc, value: high, citation: c}\n")
    (folder / "inputs").mkdir()
    (folder / "inputs" / "nobody.png").write_bytes(LESION)
    before = kept()
    sent = member.post(ADDRESS, {"file": packed(folder), "owner": "hospital", "publish": "yes"})
    page = read(sent)
    assert sent.status_code == 422 and kept() == before
    for words in ("faults in package.zip", "benchmark.yaml", "auroc", "claims.yaml", "'high' is not a number",
                  "inputs/nobody.png", "this file belongs to no case", "Nothing was kept"):  # fmt: skip
        assert words in page.text, words
    html = sent.content.decode()
    assert 'value="hospital" selected' in html and 'value="yes" checked' in html, "what was chosen is still there"
    write_manifest(folder)
    table = read(member.post(ADDRESS, {"file": packed(folder), "owner": "hospital"})).text
    assert "malignent" in table and "5" in table.split("malignent")[0] and kept() == before


BAD = {
    "nothing at all": None,
    "a picture": LESION,
    "an empty file": b"",
    "a cut-off zip": packed({"benchmark.yaml": b"slug: x" * 50}).getvalue()[:-20],
    "a name that leads out": packed({"../../etc/cron.d/x": b"x"}).getvalue(),
    "no package": packed({"notes.txt": b"hello"}).getvalue(),
    "a page of nonsense": packed({"benchmark.yaml": b"\x00\xff" * 99, "cases.csv": b"\x80" * 99}).getvalue(),
    "a laughing claim": packed({"claims.yaml": b"a: &a [x]\nb: &b [*a, *a]\nclaims: [*b]\n"}).getvalue(),
    "a bomb": packed({"cases.csv": bytes(400 << 20)}).getvalue(),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("door", ["form", "rest"])
def test_what_is_no_package_is_422_and_leaves_nothing(name, door, cast, bearer, storage):
    before, content = kept(), BAD[name]
    fields = {"owner": "hospital"}
    if content is not None:
        fields["file"] = io.BytesIO(content)
        fields["file"].name = "package.zip"
    if door == "form":
        sent = signed_in(cast.member).post(ADDRESS, fields)
        assert 'role="alert"' in sent.content.decode()
    else:
        sent = Client().post(REST, fields, **bearer(cast.member))
        assert sent.json()["faults"][0]["message"] and set(sent.json()["error"]) == {"code", "message", "hint"}
    assert sent.status_code == 422, sent.content
    assert kept() == before and not any(path.is_file() for path in storage.rglob("*"))


def test_references_and_inputs_of_an_upload_are_opened_in_the_sandbox_alone(member, tmp_path, monkeypatch):
    def opened(*_):
        raise AssertionError("a native parser saw an upload in the web process")

    monkeypatch.setattr(contents.readers, "read_input", opened)
    monkeypatch.setattr("evaluators.readers._volumes.open_file", opened)
    sent = member.post(ADDRESS, {"file": packed(maps(tmp_path / "maps", LESION)), "owner": "hospital"})
    assert sent.status_code == 302, read(sent).text
    assert Benchmark.objects.get().package.manifest["geometry"]["distinct"] == [{"shape": [1, 1]}], "told by the child"


def test_a_damaged_label_map_is_named(member, tmp_path):
    sent = member.post(ADDRESS, {"file": packed(maps(tmp_path / "maps", LESION[:-30])), "owner": "hospital"})
    assert sent.status_code == 422 and "reference/mask.png" in read(sent).text and not Benchmark.objects.exists()


@pytest.mark.parametrize(("status", "answer"), [("memory", 422), ("crashed", 422), ("killed", 503), ("error", 503)])
def test_where_the_child_fails_nothing_is_taken(member, folder, labels, monkeypatch, status, answer):
    monkeypatch.setattr(sandbox.Sandbox, "run", lambda *_, **__: sandbox.Outcome(status))
    sent = member.post(ADDRESS, {"file": packed(folder), "owner": "hospital"})
    assert sent.status_code == answer and "load_benchmark" in read(sent).text and not Benchmark.objects.exists()


def test_a_table_too_large_for_memory_is_for_the_server(member, folder, labels, monkeypatch):
    monkeypatch.setattr(intake, "MAX_TABLE", 100)
    sent = member.post(ADDRESS, {"file": packed(folder), "owner": "hospital"})
    assert sent.status_code == 422 and "load_benchmark" in read(sent).text


def test_the_example_on_the_page_is_a_package(cast):
    page = signed_in(cast.stranger).get(ADDRESS)
    assert "slug: nodule-or-not" in page.content.decode()
    example = packed({"benchmark.yaml": organise.MANIFEST.encode(), "cases.csv": organise.CASES.encode()})
    assert signed_in(cast.stranger).post(ADDRESS, {"file": example, "owner": "stranger"}).status_code == 302
    assert Benchmark.objects.get().owner == cast.stranger.namespace


ORGANISES = {
    "operator": {"hospital", "lab", "operator"}, "owner": {"hospital", "owner"}, "member": {"hospital", "member"},
    "ann": {"lab", "ann"}, "mate": {"lab", "mate"}, "ben": {"ben"}, "stranger": {"stranger"}, "anonymous": set(),
}  # fmt: skip


@pytest.mark.parametrize("who", ORGANISES)
def test_one_makes_benchmarks_for_oneself_and_ones_organisations(who, cast, folder, labels):
    assert {space.name for space in access.organisable(cast[who])} == ORGANISES[who]
    for space in (cast.hospital, cast.lab, cast.bens):
        assert access.can(cast[who], "organise", space) == (who == "operator" or space.name in ORGANISES[who])
    if who == "anonymous":
        assert "login" in Client().post(ADDRESS, {"owner": "hospital"})["Location"]
        assert Client().post(REST, {"owner": "hospital"}).status_code == 401
        return
    page = signed_in(cast[who]).get(ADDRESS)
    assert all(f'<option value="{name}"' in page.content.decode() for name in ORGANISES[who])
    sent = signed_in(cast[who]).post(ADDRESS, {"file": packed(folder), "owner": "hospital"})
    assert sent.status_code == (302 if "hospital" in ORGANISES[who] else 403)
    assert Benchmark.objects.exists() == ("hospital" in ORGANISES[who])


def test_the_list_leads_those_who_may_to_the_form(cast, db):
    assert ADDRESS in read(signed_in(cast.ben).get("/benchmarks/")).links
    assert ADDRESS not in read(Client().get("/benchmarks/")).links


def test_the_slug_of_the_form_stays_free_and_faults_name_their_line(cast, folder, labels):
    write_manifest(folder, slug="new")
    with pytest.raises(Faults, match="address of another page") as faults:
        benchmarks.load(folder, cast.hospital)
    assert (faults.value.faults[0].file, faults.value.faults[0].line) == ("benchmark.yaml", 1)
    assert not Benchmark.objects.exists()


def test_a_secret_slug_is_taken_but_its_owner_is_not_told(benchmark, folder, cast):
    Benchmark.objects.update(private=True)
    binary(folder, n=62, version=2)
    sent = signed_in(cast.stranger).post(ADDRESS, {"file": packed(folder), "owner": "stranger"})
    assert sent.status_code == 422 and "another benchmark has this slug" in read(sent).text
    assert "hospital" not in read(sent).text


def test_uploads_of_packages_are_counted_and_measured_before_they_are_read(member, cast, bearer, monkeypatch, settings):
    cache.clear()
    monkeypatch.setattr(intake, "PER_HOUR", 1)
    assert member.post(ADDRESS, {"owner": "hospital"}).status_code == 422
    over = member.post(ADDRESS, {"owner": "hospital"})
    assert over.status_code == 429 and over["Retry-After"] == "3600"
    assert Client().post(REST, {}, **bearer(cast.member)).status_code == 429
    settings.MAX_PREDICTION_BYTES = 100
    large = {"file": packed({"x": b"x"}), "note": "x" * (intake.FORM_BYTES + 100)}
    assert signed_in(cast.owner).post(ADDRESS, large).status_code == 413
    assert Client().post(REST, large, **bearer(cast.ann)).status_code == 413


def test_a_form_of_another_site_is_refused(cast, folder, labels):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(ADDRESS, {"file": packed(folder), "owner": "hospital"}).status_code == 403
    strict.get(ADDRESS)
    token = strict.cookies["csrftoken"].value
    fields = {"file": packed(folder), "owner": "hospital", "csrfmiddlewaretoken": token}
    assert strict.post(ADDRESS, fields).status_code == 302


# ---- publishing and closing


@pytest.fixture
def draft(cast, folder, labels):
    return benchmarks.load(folder, cast.hospital, publish=False)


def test_a_draft_says_what_publishing_does_and_publishes(draft, member, cast):
    page = read(member.get(draft.get_absolute_url()))
    assert "rounding steps" in page.text and "No baseline has been scored" in page.text
    sent = member.post(reverse("benchmark_publish", args=[draft.slug]), {"version": 1}, follow=True)
    assert "Published." in read(sent).text
    draft.refresh_from_db()
    assert draft.status == "published" and draft.steps
    assert "Version 1 is the current one" in read(sent).text and "Draft" not in read(sent).text
    assert "For its organisers" not in read(signed_in(cast.ann).get(draft.get_absolute_url())).text


def test_a_new_version_waits_beside_the_current_one_until_it_is_published(benchmark, folder, member, cast):
    binary(folder, n=62, version=2)
    sent = member.post(ADDRESS, {"file": packed(folder), "owner": "hospital"})
    assert sent["Location"] == "/benchmarks/tumour-or-not/?version=2"
    assert "Version 1 is the current one; this one takes its place" in read(member.get(sent["Location"])).text
    assert sent["Location"] in read(member.get("/benchmarks/")).links
    assert member.get("/benchmarks/tumour-or-not/submit/?version=2").status_code == 200
    member.post(reverse("benchmark_publish", args=[benchmark.slug]), {"version": 2})
    assert benchmarks.find(benchmark.slug, cast.ann).version == 2
    old = read(Client().get("/benchmarks/tumour-or-not/?version=1"))
    assert "earlier version" in old.text and "Current version, 2" in old.text


def test_a_baseline_handed_in_by_the_form_takes_no_quota(draft, member, answer, cast):
    address = reverse("submit", args=[draft.slug])
    assert "A baseline of the organiser" in read(member.get(address)).text
    with open(answer(), "rb") as file:
        sent = member.post(address, {"name": "Base", "file": file, "team": "hospital", "baseline": "yes"})
    assert sent.status_code == 302 and Submission.objects.get().baseline
    Run.objects.update(status=Run.Status.SCORED)
    assert "come from 1 scored baseline." in read(member.get(draft.get_absolute_url())).text


@pytest.mark.parametrize("action", ["publish", "close"])
@pytest.mark.parametrize("who", ["ann", "stranger", "anonymous"])
def test_who_is_not_of_the_house_neither_publishes_nor_closes(action, who, draft, cast, bearer):
    client = Client() if who == "anonymous" else signed_in(cast[who])
    for status, hidden in (("draft", True), ("published", False)):
        Benchmark.objects.update(status=status)
        page = client.post(f"/benchmarks/{draft.slug}/{action}/", {"version": 1})
        api = Client().post(f"{REST}/{draft.slug}/{action}", **(bearer(cast[who]) if who != "anonymous" else {}))
        signed = who != "anonymous"
        assert page.status_code == (404 if hidden else 403 if signed else 302)
        assert api.status_code == (401 if not signed else 404 if hidden else 403)
        assert Benchmark.objects.get().status == status


def test_closing_takes_no_more_submissions_and_a_draft_is_not_closed(draft, member, cast):
    address = reverse("benchmark_close", args=[draft.slug])
    refused = member.post(address, {"version": 1})
    assert refused.status_code == 409 and Benchmark.objects.get().status == "draft", "closed boards are public"
    benchmarks.publish(draft)
    closed = member.post(address, {"version": 1}, follow=True)
    assert "Closed." in read(closed).text and Benchmark.objects.get().status == "closed"
    assert Client().get(draft.get_absolute_url()).status_code == 200
    assert member.post(reverse("benchmark_publish", args=[draft.slug])).status_code == 409


# ---- REST


def test_rest_takes_publishes_and_closes_a_package(folder, labels, cast, bearer, client):
    headers = bearer(cast.member)
    made = client.post(REST, {"file": packed(folder), "owner": "hospital"}, **headers)
    assert made.status_code == 201 and made.json()["status"] == "draft", made.content
    assert client.get(made["Location"], **headers).json()["version"] == 1
    assert client.post(REST, {"file": packed(folder), "owner": "hospital"}, **headers).status_code == 200
    assert client.post(f"{REST}/tumour-or-not/publish", **bearer(cast.member, "read")).status_code == 403
    assert client.post(f"{REST}/tumour-or-not/publish", **headers).json()["status"] == "published"
    binary(folder, n=62, version=2)
    assert client.post(REST, {"file": packed(folder), "owner": "hospital"}, **headers).status_code == 201
    second = client.post(f"{REST}/tumour-or-not/publish", **headers).json()
    assert (second["version"], second["current"]) == (2, True), "the newest draft, where no version is named"
    assert client.post(f"{REST}/tumour-or-not/close?version=1", **headers).json()["status"] == "closed"
    assert client.get(f"{REST}/tumour-or-not").json()["status"] == "published"


def test_rest_lists_faults_and_refuses_other_owners(folder, labels, cast, bearer, client):
    write_manifest(folder, kind="astrology")
    bad = client.post(REST, {"file": packed(folder), "owner": "hospital"}, **bearer(cast.member))
    fault = bad.json()["faults"][0]
    assert bad.status_code == 422 and (fault["file"], bool(fault["line"]), bool(fault["hint"])) == (
        "benchmark.yaml",
        True,
        True,
    )
    assert client.post(REST, {"file": packed(folder), "owner": "lab"}, **bearer(cast.member)).status_code == 403
    assert (
        client.post(REST, {"file": packed(folder), "publish": "true"}, **bearer(cast.member, "read")).status_code == 403
    )
    assert not Benchmark.objects.exists()


def test_the_verb_asks_whose_it_is_whatever_the_door(folder, labels, cast):
    file = TemporaryUploadedFile("package.zip", "application/zip", 0, None)
    with pytest.raises(Exception, match="may not make benchmarks"):
        benchmarks.receive(file, "lab", cast.member)
