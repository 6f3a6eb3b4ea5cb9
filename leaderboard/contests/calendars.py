"""The dates of a competition as iCalendar (RFC 5545), for the calendars people already use. Times are in UTC."""

from datetime import timedelta

from django.conf import settings
from icalendar import Alarm, Calendar, Event

from leaderboard.contests import phases
from leaderboard.models import Competition


def write(competition: Competition) -> bytes:
    """One event for each phase, the last hour of the deadline with an alarm a day before, and the reveal."""
    calendar = Calendar()
    calendar.add("prodid", "-//Kensa//competitions//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", competition.title)
    calendar.add("x-wr-timezone", competition.time_zone)
    for phase in competition.phases.all():
        _add(calendar, competition, f"phase-{phase.pk}", f"{competition.title}: {phase.name}", phase.starts, phase.ends)
    deadline, reveal = phases.deadline(competition), phases.reveals(competition)
    if deadline:
        event = _add(calendar, competition, "deadline", f"{competition.title}: deadline", deadline, deadline)
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"{competition.title}: one day left")
        alarm.add("trigger", timedelta(days=-1))
        event.add_component(alarm)
    if reveal:
        _add(calendar, competition, "reveal", f"{competition.title}: results", reveal, reveal)
    return calendar.to_ical()


def _add(calendar: Calendar, competition: Competition, name: str, summary: str, starts, ends) -> Event:
    event = Event()
    event.add("uid", f"{competition.slug}-{name}@{settings.ADDRESS.partition('://')[2]}")
    event.add("dtstamp", competition.published or competition.created)
    event.add("summary", summary)
    event.add("dtstart", starts)
    if ends:
        event.add("dtend", ends)
    event.add("url", settings.ADDRESS + competition.get_absolute_url())
    calendar.add_component(event)
    return event
