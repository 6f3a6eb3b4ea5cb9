"""Around a competition: what is said, who is told and how, the calendar, certificates, webhooks."""

import hashlib
import hmac
import json
import re
import threading
from datetime import timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import icalendar
import pytest
from aiosmtpd.controller import Controller
from django.test import Client
from django.utils import timezone

from leaderboard import audits, mails, notices, webhooks
from leaderboard.contests import calendars, certificates, reveals, talk
from leaderboard.models import Audit, Competition, Delivery, Notice, Post, Team
from tests.journeys.service import free_port
from tests.leaderboard.contests import contest, end, enter, hand_in, score
from zoo.errors import NotFound, Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(cast, folder):
    made, _ = contest(folder, cast.hospital, selections=1)
    enter(made, cast.ann, cast.ben)
    return made


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_an_announcement_tells_everyone_in_the_contest_once_and_is_on_record(cast, running):
    with pytest.raises(Refused):
        talk.announce(running, cast.ann, "I say", "so")
    talk.announce(running, cast.owner, "New deadline", "One *week* more.")
    told = Notice.objects.filter(kind="announcement")
    assert sorted(told.values_list("user__username", flat=True)) == ["ann", "ben"]
    notices.tell([cast.ann], "announcement", told[0].subject, "again", "/")
    assert told.filter(user=cast.ann).count() == 1
    assert Audit.objects.get(action="announced").subject == "New deadline" and audits.broken(running) is None
    page = signed_in(cast.ann).get(f"{running.get_absolute_url()}announcements/").content.decode()
    assert "<em>week</em>" in page and "Announce something" not in page


def test_people_of_the_contest_discuss_and_a_moderator_hides_with_a_reason(cast, running):
    with pytest.raises(Refused):
        talk.open_thread(running, cast.stranger, "Hello", "may I?")
    thread = talk.open_thread(running, cast.ann, "Spacing", "<script>alert(1)</script>\n\nIs it in **mm**?")
    post = talk.reply(thread, cast.ben, "It is.")
    assert Notice.objects.get(kind="reply").user == cast.ann
    client = signed_in(cast.ben)
    page = client.get(thread.get_absolute_url()).content.decode()
    assert "<strong>mm</strong>" in page and "alert(1)" not in page
    with pytest.raises(Refused):
        talk.hide(post, cast.ann, "I do not like it")
    with pytest.raises(Refused):
        talk.hide(post, cast.owner, "")
    talk.hide(post, cast.owner, "gives a label away")
    page = client.get(thread.get_absolute_url()).content.decode()
    assert "It is." not in page and "gives a label away" not in page and "Hidden by a moderator" in page
    assert "It is." in signed_in(cast.owner).get(thread.get_absolute_url()).content.decode()
    talk.show(Post.objects.get(pk=post.pk), cast.owner)
    talk.settle(thread, cast.owner, closed=True)
    with pytest.raises(Refused):
        talk.reply(thread, cast.ben, "one more")
    answer = client.post(thread.get_absolute_url(), {"text": "one more"})
    assert answer.status_code == 409 and "This discussion is closed" in answer.content.decode()
    page = client.get(thread.get_absolute_url()).content.decode()
    assert "This discussion is closed" in page and "Begin another" in page and "Post it" not in page
    outside = signed_in(cast.stranger).get(f"{running.get_absolute_url()}discussion/").content.decode()
    assert "2 posts" in outside and "Post it" not in outside and f"{running.get_absolute_url()}enter/" in outside
    assert [row.action for row in Audit.objects.filter(action__startswith="post")] == [
        "post hidden",
        "post shown again",
    ]


def test_an_author_is_told_once_that_a_submission_has_ended(cast, running, answer):
    row = hand_in(running, cast.ann, answer())
    assert notices.look() == 0
    score(row.run, 0.8, 0.7)
    assert notices.look() == 1 and notices.look() == 0
    told = Notice.objects.get(kind="ended")
    assert told.user == cast.ann and "scored" in told.title and "0.7" not in told.title
    client = signed_in(cast.ann)
    page = client.get("/notifications/").content.decode()
    assert "An answer" in page and "This server sends no mail" in page
    assert '<span class="count">1<' in client.get("/tasks/").content.decode(), "the header says that something is new"
    client.post("/notifications/read/")
    assert notices.unread(cast.ann) == 0 and notices.unread(cast.ben) == 0
    assert 'class="count"' not in client.get("/tasks/").content.decode()


class Box:
    """A mail server that keeps what it takes, and refuses while it is `full`."""

    def __init__(self):
        self.mails, self.full = [], False

    async def handle_DATA(self, server, session, envelope):
        if self.full:
            return "452 no room"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"


@pytest.fixture
def box(settings):
    box = Box()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.MAIL, settings.ADDRESS = True, "https://kensa.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server.sockets[0].getsockname()[1]
    yield box
    server.stop()


def test_mail_goes_to_who_wants_it_as_they_want_it_and_never_twice(cast, running, box):
    for who, wish in (("ann", "each"), ("ben", "daily"), ("mate", "never")):
        cast[who].email = f"{who}@hospital.example"
        cast[who].save()
        notices.wish(cast[who], wish)
    people = [cast.ann, cast.ben, cast.mate]
    notices.tell(people, "reveal", 1, "The first", "/competitions/lungs/")
    box.full = True
    assert mails.send_due() == 0 and box.mails == []
    box.full = False
    assert mails.send_due() == 2 and mails.send_due() == 0
    notices.tell(people, "reveal", 2, "The second", "/competitions/lungs/")
    notices.tell(people, "reveal", 3, "The third", "/competitions/lungs/")
    assert mails.send_due() == 1  # the digest of the other waits for its day
    assert sorted(mail["To"] for mail in box.mails) == ["ann@hospital.example"] * 2 + ["ben@hospital.example"]
    text = box.mails[-1].get_content()
    assert "The second" in text and "The third" in text and "https://kensa.example/competitions/lungs/" in text
    stop = "".join(str(box.mails[-1]["List-Unsubscribe"]).split()).strip("<>")
    client = Client(enforce_csrf_checks=True)
    path = stop.removeprefix("https://kensa.example")
    assert "Shall Kensa stop" in client.get(path).content.decode()
    notices.tell([cast.ann], "reveal", 4, "The fourth", "/")
    assert client.post(path).status_code == 200 and mails.send_due() == 0
    assert client.post(path.replace(":", "x")).status_code == 404


def test_the_calendar_holds_every_date_of_the_contest(cast, running):
    found = icalendar.Calendar.from_ical(calendars.write(running))
    events = {str(event["summary"]): event for event in found.walk("VEVENT")}
    phase = running.phases.get()
    assert set(events) == {"Lungs 2026: Open", "Lungs 2026: deadline", "Lungs 2026: results"}
    assert abs(events["Lungs 2026: Open"]["dtend"].dt - phase.ends) < timedelta(seconds=1)
    answer = Client().get(f"{running.get_absolute_url()}calendar.ics")
    assert answer["Content-Type"].startswith("text/calendar") and b"BEGIN:VALARM" in answer.content


def test_a_team_gets_its_certificate_after_the_reveal_with_the_rank_interval(cast, running, answer):
    first, second = hand_in(running, cast.ann, answer(seed=1)), hand_in(running, cast.ben, answer(seed=2))
    score(first.run, 0.80, 0.71)
    score(second.run, 0.82, 0.705)
    client = signed_in(cast.ann)
    address = f"{running.get_absolute_url()}certificate.pdf"
    assert client.get(address).status_code == 404
    end(running)
    assert reveals.reveal(running)
    assert sorted(Notice.objects.filter(kind="reveal").values_list("user__username", flat=True)) == ["ann", "ben"]
    running.refresh_from_db()
    content = client.get(address).content
    assert content.startswith(b"%PDF") and Client().get(address).status_code == 404
    team = running.teams.get(members__user=cast.ann)
    said = " ".join(
        line.text
        for line in certificates._content(running, team, *_entry(running, team, cast.ann))
        if hasattr(line, "text")
    )
    assert "Rank 1 of 2 entries" in said and "95 % rank interval 1 to 2" in said and "private cases" in said
    assert "These cases cannot tell it from the next" in said
    with pytest.raises(Refused):
        certificates.write(running, team, cast.ben)


@pytest.mark.parametrize(
    ("title", "name", "fonts"),
    [("Lungs", "Žižkov & <b>Łódź</b>", {"BitstreamVeraSans"}), ("x" * 40 + " grading" * 32, "Team " * 20, {"BitstreamVeraSans"}),
     ("胸部X線写真における肺炎の診断コンペティション" * 4, "田中チーム 한국어 🙂", {"BitstreamVeraSans", "HeiseiKakuGo", "HYGothic"})],
)  # fmt: skip
def test_a_certificate_is_one_page_in_fonts_that_have_its_letters(cast, running, answer, title, name, fonts):
    Competition.objects.update(title=title)
    score(hand_in(running, cast.ann, answer()).run, 0.80, 0.71)
    Team.objects.filter(members__user=cast.ann).update(name=name[:100])
    end(running)
    assert reveals.reveal(running)
    running.refresh_from_db()
    made = certificates.write(running, running.teams.get(members__user=cast.ann), cast.ann)
    assert made.count(b"/Type /Page\n") == made.count(b"/MediaBox") == 1, "one page, however long the names are"
    used = {font.decode() for font in re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([A-Za-z]+)", made)} - {"Helvetica"}
    assert used == fonts and b"/FontFile2" in made, "letters are embedded but for the Eastern ones"


def test_letters_that_no_font_has_are_written_by_their_base_letter():
    assert certificates._set("ő <b> 🙂 Ł") == "o &lt;b&gt; ? Ł"


def _entry(competition, team, viewer):
    from leaderboard.contests import finals

    board = finals.final(competition, viewer)
    return next(row for row in board.entries if row.submission.contest_team_id == team.pk), len(board.ranked), board


@pytest.fixture
def listener(settings):
    """A program that takes webhooks; it refuses the first."""
    taken, codes = [], [500]

    class Take(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((dict(self.headers), body))
            self.send_response(codes.pop() if codes else 204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Take)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.WEBHOOK_HOSTS = [f"127.0.0.1:{server.server_port}"]
    yield f"http://127.0.0.1:{server.server_port}/kensa", taken
    server.shutdown()


def test_a_webhook_is_told_signed_and_again_until_it_answers(cast, running, listener, settings):
    url, taken = listener
    hosts, settings.WEBHOOK_HOSTS = settings.WEBHOOK_HOSTS, []
    page_of_hooks = f"{running.get_absolute_url()}webhooks/"
    assert "The operator allows no host yet" in signed_in(cast.owner).get(page_of_hooks).content.decode()
    settings.WEBHOOK_HOSTS = hosts
    for who, address in (("ann", url), ("owner", "http://169.254.169.254/latest"), ("owner", "file:///etc/passwd")):
        with pytest.raises(Refused):
            webhooks.add(running, cast[who], address)
    hook = webhooks.add(running, cast.owner, url)
    talk.announce(running, cast.owner, "Hello", "to programs too")
    assert webhooks.send_due() == 0 and len(taken) == 1
    assert webhooks.send_due() == 0 and len(taken) == 1, "it waits before it tries again"
    Delivery.objects.update(due=timezone.now())
    assert webhooks.send_due() == 1 and webhooks.send_due() == 0 and len(taken) == 2
    headers, body = taken[-1]
    expected = hmac.new(hook.secret.encode(), headers["X-Kensa-Timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["X-Kensa-Signature"] == "sha256=" + expected.hexdigest()
    assert json.loads(body)["event"] == "announcement" and json.loads(body)["heading"] == "Hello"
    page = signed_in(cast.owner).get(page_of_hooks).content.decode()
    assert hook.secret in page and "taken" in page and "The operator allows no host yet" not in page
    assert signed_in(cast.ann).get(f"{running.get_absolute_url()}webhooks/").status_code == 403
    webhooks.remove(hook, cast.owner)
    talk.announce(running, cast.owner, "Bye", "to programs")
    assert webhooks.send_due() == 0 and len(taken) == 2


def test_a_hidden_contest_tells_nothing_to_a_stranger(cast, folder):
    made, _ = contest(folder, cast.hospital, slug="secret-lungs", private=True)
    for part in ("announcements/", "discussion/", "calendar.ics", "certificate.pdf", "webhooks/"):
        for client in (Client(), signed_in(cast.stranger)):
            assert client.get(f"/competitions/secret-lungs/{part}").status_code == 404
    with pytest.raises(NotFound):
        talk.find(made, 1)
