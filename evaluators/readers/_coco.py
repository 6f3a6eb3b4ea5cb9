"""COCO JSON: results (a list of detections) as an answer, and a data set with annotations as a reference.

Read with the standard library, one detection at a time, so that a fault names its line and column.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from evaluators.faults import Findings, quote
from evaluators.places import near
from evaluators.readers import _rows
from evaluators.readers._box_tables import Boxes

MAX_BYTES = 256 << 20
BLANK = " \t\r\n"


def _constant(name: str):
    raise ValueError(f"{name} is not a finite number")


DECODER = json.JSONDecoder(parse_constant=_constant)


class _Text:
    """The text of a JSON file, which knows line and column of every place (asked for in rising order)."""

    def __init__(self, path: Path, found: Findings):
        size = path.stat().st_size
        if size > MAX_BYTES:
            found.stop(f"the JSON file has {size:,} bytes", f"At most {MAX_BYTES:,} are read; send CSV or Parquet.")
        try:
            self.text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            found.stop("the JSON file is not UTF-8", "Save it as UTF-8.")
        self.line, self.start, self.counted = 1, 0, 0

    def at(self, place: int) -> dict:
        if place < self.counted:
            self.line, self.start, self.counted = 1, 0, 0
        self.line += self.text.count("\n", self.counted, place)
        self.start = max(self.start, self.text.rfind("\n", self.counted, place) + 1)
        self.counted = place
        end = self.text.find("\n", place)
        shown = self.text[place : min(end if end >= 0 else place + 160, place + 160)]
        return {"line": self.line, "column": place - self.start + 1, "text": shown}

    def skip(self, place: int, letters: str = BLANK) -> int:
        while place < len(self.text) and self.text[place] in letters:
            place += 1
        return place


def results(path: Path, classes: Sequence[str], ids: list[str], found: Findings, *, keep: bool) -> Boxes:
    """The boxes of a COCO results file: `[{"image_id", "category_id", "bbox": [x, y, w, h], "score"}, ...]`.

    image_id is the case id. category_id is the name of a class, or its number, counted from 1. Without `keep` they are checked only.
    """
    text, boxes = _Text(path, found), Boxes(classes, len(ids), 5)
    cases = {name: number for number, name in enumerate(ids)}
    place = text.skip(0)
    if text.text[place : place + 1] != "[":
        found.stop(
            "this is not a list of detections",
            'Write [{"image_id": ..., "bbox": [x, y, w, h], ...}].',
            **text.at(place),
        )
    rows: list[tuple[int, int, list]] = []
    place = text.skip(place + 1)
    while text.text[place : place + 1] != "]":
        begin = place
        item, place = _decode(text, place, found)
        row = _detection(item, text, begin, classes, cases, ids, found)
        if row and keep:
            rows.append(row)
        place = text.skip(place)
        if text.text[place : place + 1] == ",":
            place = text.skip(place + 1)
        elif text.text[place : place + 1] != "]":
            found.stop(
                "a comma or ] is missing, or the file is cut off", "Write it again with json.dump.", **text.at(place)
            )
    if text.skip(place + 1) < len(text.text):
        found.add("there is more after the end of the list", "Send one list.", **text.at(text.skip(place + 1)))
    if rows:
        numbers, labels, values = zip(*rows, strict=True)
        boxes.add(np.array(numbers), np.array(labels), np.array(values, float))
    return boxes


def _decode(text: _Text, place: int, found: Findings):
    try:
        return DECODER.raw_decode(text.text, place)
    except json.JSONDecodeError as error:
        found.stop(
            f"this is not JSON: {error.msg}", "Write it with json.dump.", **text.at(min(error.pos, len(text.text)))
        )
    except RecursionError:
        found.stop("nested too deeply", "A detection is one flat object.", **text.at(place))
    except ValueError as error:
        words = str(error) if "finite" in str(error) else "a number has too many digits"
        found.stop(words, "Write finite numbers.", **text.at(place))


def _detection(item, text: _Text, begin: int, classes, cases: dict, ids: list[str], found: Findings):
    """(case, class, [x, y, w, h, score]) of one object, or None and its faults."""
    if not isinstance(item, dict):
        found.add("a detection is not an object", "Write image_id, category_id, bbox and score.", **text.at(begin))
        return None
    count = found.count
    missing = [name for name in ("image_id", "category_id", "bbox", "score") if name not in item]
    if missing:
        found.add(f"{missing[0]} is missing", "Write image_id, category_id, bbox and score.", **text.at(begin))
        return None
    case = cases.get(str(item["image_id"])[:200], -1)
    if case < 0:
        message, hint = _rows.unknown_case(str(item["image_id"])[:200], ids, found)
        found.add(message, hint, **text.at(begin))
    label = _class(item["category_id"], classes)
    if label < 0:
        hint = (
            near(str(item["category_id"])[:100], classes, "Write the number from 1 or the name of") if classes else ""
        )
        found.add(f"category_id {quote(item['category_id'])} is not one of the classes", hint, **text.at(begin))
    box = item["bbox"]
    if not (isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box)):
        found.add("bbox is not four finite numbers", "Write [x, y, width, height].", **text.at(begin))
    elif box[2] <= 0 or box[3] <= 0:
        found.add(
            f"the box is {box[2]:g} wide and {box[3]:g} high",
            "Both must be above 0; bbox is [x, y, width, height].",
            **text.at(begin),
        )
    if not _is_number(item["score"]):
        found.add("score is not a finite number", "Give every detection a score.", **text.at(begin))
    return (case, label, [*box, item["score"]]) if found.count == count else None


def _class(value, classes: Sequence[str]) -> int:
    if isinstance(value, str) and value in classes:
        return classes.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(classes):
        return value - 1
    return -1


def _is_number(value) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < 1e300 if isinstance(value, int) else math.isfinite(value)


def annotations(path: Path, classes: Sequence[str], found: Findings) -> dict[str, list[tuple[int, list]]]:
    """Boxes of a COCO data set by image: under the image's id and under its file name without folder and suffix."""
    text = _Text(path, found)
    data, _ = _decode(text, text.skip(0), found)
    parts = [data.get(name) if isinstance(data, dict) else None for name in ("images", "annotations", "categories")]
    if not all(isinstance(part, list) and all(isinstance(item, dict) for item in part) for part in parts):
        found.stop("this is not a COCO data set", "It has the lists images, annotations and categories.", line=1)
    images, boxes, categories = parts
    names = {item.get("id"): item.get("name") for item in categories}
    by_id: dict = {item.get("id"): [] for item in images}
    for number, item in enumerate(boxes, 1):
        box, name = item.get("bbox"), names.get(item.get("category_id"))
        if item.get("image_id") not in by_id:
            found.add(f"annotation {number} names an image that is not listed", "Add it to images.")
        elif name not in classes:
            found.add(f"annotation {number} has the class {quote(name)}", near(str(name), classes, "The classes are"))
        elif not (
            isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box) and min(box[2:]) > 0
        ):
            found.add(f"annotation {number} has no box of positive size", "bbox is [x, y, width, height].")
        else:
            by_id[item["image_id"]].append((list(classes).index(name), [float(value) for value in box]))
    found.check()
    found_by = {
        PurePosixPath(str(item.get("file_name", ""))).name.partition(".")[0]: by_id[item.get("id")] for item in images
    }
    return found_by | {str(key): value for key, value in by_id.items()}
