"""REST of single cases, for whom they are."""

from django.http import StreamingHttpResponse
from ninja import Router

from leaderboard import benchmarks, case_scores

router = Router(tags=["benchmarks"])


@router.get("/benchmarks/{slug}/case-scores")
def of_board(request, slug: str, version: str = "", metric: str = ""):
    """CSV of what every entry answered or scored on every case, to compute the standings independently. 403 where labels are
    hidden and you are not its organiser."""
    found = benchmarks.find(slug, request.user, version)
    lines = case_scores.rows(found, request.user, metric=metric)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-v{found.version}-cases.csv"'
    return response
