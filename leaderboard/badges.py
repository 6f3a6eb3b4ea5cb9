"""A small SVG picture of one released score with its interval, to be shown on other people's pages."""

from xml.sax.saxutils import escape

HEIGHT, PER_LETTER, PAD = 20, 6.4, 8
LONGEST = 48
TEMPLATE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{said}"><title>{said}</title>\
<rect width="{left}" height="20" fill="#3f464e"/><rect x="{left}" width="{right}" height="20" fill="#005a8c"/>\
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">\
<text x="{left_at}" y="14" textLength="{left_long}" lengthAdjust="spacingAndGlyphs">{name}</text>\
<text x="{right_at}" y="14" textLength="{right_long}" lengthAdjust="spacingAndGlyphs">{value}</text></g></svg>
"""


def draw(name: str, value: str) -> str:
    """`name` on the left, `value` on the right; text is escaped and cut."""
    name, value = (
        text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}" for text in (name, value)
    )
    long = [round(PER_LETTER * len(text), 1) for text in (name, value)]
    left, right = (round(length + 2 * PAD, 1) for length in long)
    quoted = {'"': "&quot;"}
    return TEMPLATE.format(
        width=round(left + right, 1), left=left, right=right, left_at=round(left / 2, 1),
        right_at=round(left + right / 2, 1), left_long=long[0], right_long=long[1], name=escape(name),
        value=escape(value), said=escape(f"{name}: {value}", quoted),
    )  # fmt: skip


def score_text(metric, score) -> str:
    """ "AUROC 0.81 (0.77–0.85)"; what is missing is said."""
    if score is None or not score.text:
        return f"{metric.symbol} not measured"
    interval = f" ({score.low_text}\N{EN DASH}{score.high_text})" if score.low_text and score.high_text else ""
    return f"{metric.symbol} {score.text}{interval}"
