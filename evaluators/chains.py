"""The chain of receipts of each benchmark version: every finished run is linked to the one before it.

Guarantees that a link is assigned in the transaction that finishes its run, without a gap, however many finish at once;
so a run that vanished or was edited shows to whoever holds a receipt or an earlier log, and the rest to `audit`. A log
holds hashes of what receipts say to everyone, which commit to hidden content by HMAC alone.
"""

from evaluators import receipts
from evaluators.models import Link, Package, Run

FORMAT = "kensa-receipt-log-1"


def append(run: Run) -> Link:
    """Give a run that was just finished its place. Call it inside the transaction that finishes it."""
    package = Package.objects.select_for_update(no_key=True).get(pk=run.package_id)  # one at a time until the commit
    last = package.links.order_by("-position").first()
    position = last.position + 1 if last else 1
    statement = receipts.core_digest(run.receipt["statement"])
    digest = receipts.link_digest(position, last.digest if last else receipts.start(package), statement)
    return Link.objects.create(
        package=package, position=position, run=run, number=run.pk, statement=statement, digest=digest
    )


def place(run: Run) -> tuple[Link | None, str]:
    """A run's link, and the digest of the one before it."""
    link = Link.objects.filter(run=run).first()
    if link is None:
        return None, ""
    before = Link.objects.filter(package=run.package_id, position=link.position - 1).first()
    return link, before.digest if before else receipts.start(run.package)


def log(package: Package) -> dict:
    """The whole chain, signed: `links` are [position, run, statement, digest], oldest first."""
    links = list(package.links.order_by("position").values_list("position", "number", "statement", "digest"))
    head = links[-1][3] if links else receipts.start(package)
    statement = {
        "format": FORMAT, "benchmark": {"slug": package.slug, "version": package.version},
        "start": receipts.start(package), "length": len(links), "head": head,
    }  # fmt: skip
    return receipts.sign(statement) | {"links": [list(link) for link in links]}


def verify_log(log: dict, public_key: str | None = None) -> list[str]:
    """What is wrong with a log; empty when every link follows from the one before and its head is signed."""
    faults = receipts.verify_signature(log, public_key)
    if faults:
        return faults
    statement, links = log["statement"], log.get("links")
    if statement.get("format") != FORMAT or not isinstance(links, list):
        return ["not a log of receipts"]
    previous = statement["start"]
    for place, link in enumerate(links, start=1):
        if len(link) != 4 or link[0] != place or link[3] != receipts.link_digest(place, previous, link[2]):
            return [f"link {place} does not follow from the one before: a row is missing or was edited"]
        previous = link[3]
    if len(links) != statement["length"] or previous != statement["head"]:
        return ["the log ends at another link than was signed"]
    return []


def missing(known: dict, log: dict) -> list[str]:
    """What a receipt or an earlier log holds that a log (each verified before) does not."""
    statement, links = known["statement"], log["links"]
    if statement["benchmark"] != log["statement"]["benchmark"]:
        return ["it is of another benchmark or version than the log"]
    if statement["format"] == FORMAT:
        held = [(link[0], link[3]) for link in known["links"]]
    elif "chain" in statement:
        held = [(statement["chain"]["position"], statement["chain"]["digest"])]
    else:
        return ["it has no place in a chain"]
    there = {link[0]: link[3] for link in links}
    return [f"link {place} vanished or was edited" for place, digest in held if there.get(place) != digest][:1]


def audit(package: Package) -> list[str]:
    """Everything that no longer is as it was signed, from the rows of the database: for who runs the service."""
    faults, previous = [], receipts.start(package)
    for place, link in enumerate(package.links.order_by("position").select_related("run__package"), start=1):
        if link.position != place or link.digest != receipts.link_digest(link.position, previous, link.statement):
            faults.append(f"link {place} does not follow from the one before: a row is missing or was edited")
            return faults
        previous = link.digest
        faults += _audit_run(link)
    unlinked = package.runs.filter(status=Run.Status.SCORED, link=None).order_by("pk").values_list("pk", flat=True)
    return faults + [f"run {pk} is scored, but has no place in the chain" for pk in unlinked]


def _audit_run(link: Link) -> list[str]:
    run = link.run
    if run is None:
        return [f"run {link.number} vanished"]
    if receipts.verify_signature(run.receipt):
        return [f"the receipt of run {run.pk} was changed: its signature does not match"]
    if receipts.core_digest(run.receipt["statement"]) != link.statement:
        return [f"the receipt of run {run.pk} is not the one that was linked"]
    return [f"the {name} of run {run.pk} changed after it was signed" for name in receipts.changed(run)]
