"""BibTeX of what a board rests on: the data set, the metrics' papers by DOI, the claims that it cites, and the board itself."""

import re

from leaderboard.standings import Board

ESCAPED = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\n": " ",
})  # fmt: skip
DOI = re.compile(r"\b10\.\d{4,9}/[^\s,;\"{}\\]+")


def as_bibtex(board: Board) -> str:
    """One entry for each source, with keys that are stable and unique."""
    benchmark, source = board.benchmark, board.benchmark.package.manifest.get("source") or {}
    slug = _key(benchmark.slug)
    published = benchmark.published
    found = {
        f"{slug}-board": _entry(
            title=f"{benchmark.title}, version {benchmark.version}", author=benchmark.owner.title or benchmark.owner.name,
            howpublished="Kensa leaderboard", year=published.year if published else None, url=benchmark.get_absolute_url(),
        ),
        f"{slug}-data": _entry(
            title=source.get("name"), note=_note(source.get("citation"), source.get("licence")), url=source.get("url"),
            doi=_doi(source.get("citation")),
        ),
    }  # fmt: skip
    for metric in board.metrics:
        found[f"metric-{_key(metric.name)}"] = _entry(
            title=metric.title, note=metric.reference, doi=_doi(metric.reference)
        )
    for number, claim in enumerate(board.claims, start=1):
        found[f"{slug}-claim-{number}"] = _entry(
            title=claim.name, note=_note(claim.citation, claim.source), doi=_doi(claim.doi) or _doi(claim.citation)
        )
    return "\n".join(f"@misc{{{key},\n{fields}}}\n" for key, fields in found.items())


def _entry(**fields) -> str:
    return "".join(f"  {name} = {{{_text(name, value)}}},\n" for name, value in fields.items() if value)


def _text(name: str, value) -> str:
    """Text that TeX takes as it is; addresses keep their underscores, and lose what could end the field."""
    text = " ".join(str(value).split())
    return re.sub(r"[{}\\\s]", "", text) if name in ("url", "doi") else text.translate(ESCAPED)


def _note(*parts) -> str:
    return ". ".join(part.rstrip(".") for part in parts if part)


def _doi(text) -> str:
    found = DOI.search(str(text or ""))
    return found[0].rstrip(".)") if found else ""


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
