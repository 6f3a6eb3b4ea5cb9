"""benchmark.yaml: what may stand in it, checked whole, and normalised with its defaults filled in.

Guarantees of a normalised manifest: every key of DEFAULTS is there; names of metrics, kinds and classes are known ones;
it is plain JSON. Columns are compared with cases.csv in cases.py.
"""

from evaluators import corruptions, fields, safety
from evaluators.faults import Findings, quote
from evaluators.fields import Fields, distinct, known
from evaluators.metrics import METRICS
from evaluators.places import Place, near
from evaluators.readers import KINDS

FILE = "benchmark.yaml"
ACCEPTS = ("predictions", "weights")
RESAMPLES = 2000
MAX_CLASSES = 2000
SECONDS, MEMORY_BYTES = 3600, 8 << 30  # of a run, unless the package says otherwise
PRECISIONS = ("float32", "bfloat16", "float16")  # beside float32, which is always allowed
RELEASES = ("groups", "patients", "curves")


def read(tree: Place, found: Findings) -> dict:
    """The normalised manifest of a YAML tree; what is wrong is added to `found`, and the rest still checked."""
    top = Fields(tree, found)
    if not isinstance(tree.value, dict):
        return {}
    manifest = {
        "slug": top.slug("slug", "Write slug: retina-dr-grading; it becomes the address of the board."),
        "version": top.whole("version", low=1, high=10**6, default=1, required="Write version: 1."),
        "title": top.text("title", required="Write what is measured on which data."),
        "description": top.text("description", longest=10_000),
        "owner": top.text("owner", longest=96),
        "task": task(top),
        "kind": top.choice("kind", KINDS, required=f"Write kind: one of {', '.join(KINDS)}."),
        "ordinal": top.flag("ordinal"),
        "multilabel": top.flag("multilabel"),
        "instances": top.flag("instances"),
        "accepts": _accepts(top),
        "labels": top.choice("labels", ("hidden", "public"), default="hidden"),
        "release_inputs": top.flag("release_inputs"),
        "release": [item.raw for item in known(top.names("release"), RELEASES, "release", found)],
        "limits": _limits(top),
        "precision": [item.raw for item in known(top.names("precision"), PRECISIONS, "precision", found)],
        "robustness": [],
        "source": _source(top),
        "traps": _texts(top, "traps"),
    }
    manifest |= _classes(top, manifest)
    manifest["robustness"] = _robustness(top, manifest)
    manifest["metrics"] = _metrics(top, manifest)
    manifest["resample"] = _resample(top)
    manifest["split"] = _split(top)
    manifest["groups"] = [item.raw for item in top.names("groups", most=20)]
    manifest["safety"] = safety.read(top, manifest)
    manifest["readers"] = _readers(top, manifest)
    if unit := top.text("time_unit", longest=20):  # of survival times: days, months
        manifest["time_unit"] = unit
    top.done()
    return manifest


def task(top: Fields) -> dict:
    """The clinical question that a package answers, or that task.yaml states."""
    stated = Fields(
        top.required("task", "Write task: {slug: ..., specialty: ..., modality: ..., anatomy: ...}."), top.found, "task"
    )
    if not stated.places:
        return {"slug": "", "title": "", "question": "", "specialty": "", "modality": "", "anatomy": ""}
    values = {"slug": stated.slug("slug", "Write task.slug: diabetic-retinopathy-grading.")}
    values |= {"title": stated.text("title", longest=200), "question": stated.text("question", longest=2000)}
    values |= {name: stated.text(name, longest=100) for name in ("specialty", "modality", "anatomy")}
    stated.done()
    return values


def _accepts(top: Fields) -> list[str]:
    named = known(top.names("accepts"), ACCEPTS, "accepts", top.found)
    return [item.raw for item in named] or ["predictions"]


def _robustness(top: Fields, manifest: dict) -> list[str]:
    """What is done to copies of the public inputs: `robustness: true` for all that suits, or a list of names."""
    place, found = top.take("robustness"), top.found
    if place is None or place.value is False:
        return []
    suited = [*corruptions.suited(manifest), *([corruptions.ATTACK] if manifest["kind"] == "classification" else [])]
    if "weights" not in manifest["accepts"]:
        found.add("robustness is measured on weights, which are not accepted", "Write accepts: [weights].", **place.at)
    if place.value is True:
        return suited
    return [item.raw for item in known(top.names("robustness"), suited, "robustness", found)]


def _texts(top: Fields, key: str) -> list[str]:
    place = top.take(key)
    if place is None:
        return []
    items = place.value if isinstance(place.value, list) else [place]
    texts = []
    for item in items:
        if isinstance(item.value, dict | list) or not item.raw.strip() or len(item.raw) > 1000:
            hint = (
                'Put a sentence that holds ": " in quotes.' if isinstance(item.value, dict) else "1 to 1,000 letters."
            )
            top.found.add(f"{key} must be a list of sentences", hint, **item.at)
        else:
            texts.append(item.raw.strip())
    return texts


def _limits(top: Fields) -> dict:
    limits = Fields(top.take("limits"), top.found, "limits")
    values = {
        "per_day": limits.whole("per_day", low=1, high=10_000, default=20),
        "max_bytes": limits.whole("max_bytes", low=1, high=10**15, default=0),
        "seconds": limits.whole("seconds", low=1, high=7 * 86_400, default=0),
        "memory_bytes": limits.whole("memory_bytes", low=1 << 20, high=10**15, default=0),
    }
    limits.done()
    return {name: value for name, value in values.items() if value}


def run_limits(manifest: dict) -> dict:
    """What one run of this benchmark may use: `seconds` of clock and `memory_bytes`, as its package says or by default."""
    stated = manifest.get("limits") or {}
    return {"seconds": stated.get("seconds", SECONDS), "memory_bytes": stated.get("memory_bytes", MEMORY_BYTES)}


def _source(top: Fields) -> dict:
    hint = "Write source: {name: ..., licence: ..., citation: ..., url: ...}."
    source = Fields(top.required("source", hint), top.found, "source")
    if not source.places:
        return {"name": "", "licence": "", "citation": "", "url": ""}
    values = {"name": source.text("name", required="Name the data set.", longest=500)}
    values["licence"] = source.text("licence", required="Name the licence of the data.", longest=500)
    values |= {"citation": source.text("citation", longest=5000), "url": source.text("url", longest=1000)}
    if values["url"] and not values["url"].startswith(("https://", "http://")):
        source.found.add(
            "source.url is not a web address", "Write it with https:// in front.", **source.places["url"].at
        )
    source.done()
    return values


def _classes(top: Fields, manifest: dict) -> dict:
    """`classes`, and for segmentation `label_values`: the value of each label in a map, background left out."""
    place, found, kind = top.take("classes"), top.found, manifest["kind"]
    values: dict[str, int] = {}
    if place is not None and isinstance(place.value, dict) and kind == "segmentation":
        names, values = _numbered(place, found)
    else:
        names = [item.raw for item in distinct(place, "classes", found, most=MAX_CLASSES)]
        first = 0 if names and names[0].casefold() == "background" else 1
        values = {name: number for number, name in enumerate(names, first) if number}
    at = place.at if place else top.at
    for name in names:
        if name in ("case_id", "label", "score") or "," in name or '"' in name or not name.isprintable():
            found.add(f"the class {quote(name)} cannot be a column of a CSV file", "Choose another name.", **at)
    needed = KINDS[kind].classes if kind else 0
    if len(names) < needed and kind:
        if place is None or not names:
            found.add("classes is missing", f"{kind} needs at least {needed}: classes: [one, two].", **at)
        else:
            found.add(f"classes names {len(names)}, {kind} needs at least {needed}", "Name the others too.", **at)
    elif names and not needed and kind:
        found.add(f"classes has no meaning for {kind}", "Remove it.", **at)
    if kind == "segmentation" and names and not values:
        found.add("classes names the background alone", "Name at least one label besides it.", **at)
    for key in ("ordinal", "multilabel"):
        if manifest[key] and kind and kind != "classification":
            found.add(f"{key} has no meaning for {kind}", "Remove it.", **top.places[key].at)
    if manifest["ordinal"] and manifest["multilabel"]:
        found.add("a benchmark cannot be both ordinal and multilabel", "Remove one.", **top.places["ordinal"].at)
    if manifest["instances"] and kind and kind != "segmentation":
        found.add(f"instances has no meaning for {kind}", "Remove it.", **top.places["instances"].at)
    elif manifest["instances"] and len(values) > 1:
        hint = "Keep one class besides the background: the values of the maps number its instances."
        found.add(f"instances: true counts one class, there are {len(values)}", hint, **top.places["instances"].at)
    return {"classes": names} | ({"label_values": values} if kind == "segmentation" else {})


def _numbered(place: Place, found: Findings) -> tuple[list[str], dict[str, int]]:
    """`{0: background, 1: anterior}`: the names by value, and the values of those above 0."""
    pairs: dict[int, str] = {}
    for key, item in place.value.items():
        if not key.isdigit() or int(key) > 65_535 or isinstance(item.value, dict | list) or not item.raw.strip():
            found.add("classes must map values to names", "Write classes: {0: background, 1: anterior}.", **item.at)
        elif item.raw.strip() in pairs.values():
            found.add(f"classes holds {quote(item.raw)} twice", "Keep one of them.", **item.at)
        else:
            pairs[int(key)] = item.raw.strip()
    ordered = [pairs[value] for value in sorted(pairs)]
    return ordered, {name: value for value, name in sorted(pairs.items()) if value}


def _metrics(top: Fields, manifest: dict) -> dict:
    hint = "Write metrics: {primary: auroc, also: [brier]}."
    metrics = Fields(top.required("metrics", hint), top.found, "metrics")
    values: dict = {"primary": "", "also": [], "parameters": {}, "why": {}}
    if not metrics.places:
        return values
    primary = metrics.required("primary", "Name the metric that ranks.")
    names = distinct(primary, "metrics.primary", top.found, most=1) + metrics.names("also", most=50)
    good = [item for item in names if _suits(item, manifest["kind"], top.found)]
    for item in good:
        if "grades" in METRICS[item.raw].needs and not manifest["ordinal"]:
            top.found.add(
                f"{item.raw} compares grades",
                "Write ordinal: true if the classes are in order, or take another.",
                **item.at,
            )
    values["also"] = list(dict.fromkeys(item.raw for item in good if item is not primary))
    if primary is not None and any(item is primary for item in good):
        values["primary"] = primary.raw
        if primary.raw in values["also"]:
            top.found.add(f"{primary.raw} is primary and stands in also", "Remove it from metrics.also.", **primary.at)
    stated = list(dict.fromkeys(item.raw for item in names))
    values["parameters"] = _parameters(metrics.take("parameters"), stated, top.found)
    why = Fields(metrics.take("why"), top.found, "metrics.why")
    values["why"] = {name: text for name in stated if (text := why.text(name, longest=1000))}
    why.done()
    metrics.done()
    return values


def _suits(item: Place, kind: str, found: Findings) -> bool:
    if item.raw not in METRICS:
        suited = [name for name, metric in METRICS.items() if not kind or kind in metric.kinds]
        found.add(
            f"no metric is called {quote(item.raw)}", near(item.raw, suited, "For this kind there are"), **item.at
        )
        return False
    if kind and kind not in METRICS[item.raw].kinds:
        suited = [name for name, metric in METRICS.items() if kind in metric.kinds]
        hint = f"It is for {' and '.join(METRICS[item.raw].kinds)}; for {kind} there are {', '.join(suited[:12])}."
        found.add(f"the metric {item.raw} cannot measure {kind}", hint, **item.at)
        return False
    return True


def _parameters(place: Place | None, used: list[str], found: Findings) -> dict:
    """`{metric: {parameter: number, text or list of numbers}}`, each of a metric in use that takes it."""
    values: dict = {}
    outer = Fields(place, found, "metrics.parameters")
    for name, item in outer.places.items():
        outer.asked.append(name)
        if name not in used:
            found.add(f"metrics.parameters names {quote(name)}, which is not used here", near(name, used), **item.key)
            continue
        inner = Fields(item, found, f"metrics.parameters.{name}")
        takes = METRICS[name].parameters if name in METRICS else {}
        for key, value in inner.places.items():
            if takes and key not in takes:
                found.add(f"{name} takes no parameter {quote(key)}", near(key, takes, "It takes"), **value.key)
            else:
                values.setdefault(name, {})[key] = _parameter(value)
    return values


def _parameter(place: Place):
    if isinstance(place.value, list):
        return [_parameter(item) for item in place.value]
    if isinstance(place.value, dict):
        return {key: _parameter(item) for key, item in place.value.items()}
    value = fields.number(place)
    return place.value if value is None or isinstance(place.value, int) else value


def _resample(top: Fields) -> dict:
    resample = Fields(top.take("resample"), top.found, "resample")
    values = {"unit": resample.text("unit", default="", longest=100)}
    values["resamples"] = resample.whole("resamples", low=100, high=100_000, default=RESAMPLES)
    resample.done()
    return values


def _split(top: Fields) -> dict | None:
    place = top.take("split")
    if place is None:
        return None
    split = Fields(place, top.found, "split")
    column = split.text("column", required="Write split: {column: split}.", longest=100)
    split.done()
    return {"column": column} if column else None


def _readers(top: Fields, manifest: dict) -> dict:
    """How readers.csv is meant: the classes that a rating speaks for, the column of lesions, the margin of a comparison."""
    place = top.take("readers")
    readers = Fields(place, top.found, "readers")
    kind, classes = manifest["kind"], manifest["classes"]
    positive = known(readers.names("positive"), classes, "readers.positive", top.found)
    values = {
        "positive": [item.raw for item in positive],
        "lesions": readers.text("lesions", longest=100),
        "margin": readers.number("margin", low=0, high=1) or 0.0,
        "citation": readers.text("citation", longest=2000),
    }
    readers.done()
    if readers.places and kind and (kind != "classification" or manifest["multilabel"]):
        top.found.add("readers are compared on classification with one label a case", "Remove readers.", **place.at)
    if len(positive) >= len(classes) > 0:
        top.found.add("readers.positive names every class", "Name those with the finding alone.", **place.at)
    return values
