"""YAML read into plain values that remember where they stood, so that a fault can name line and column.

Only the plain part of YAML is taken: no anchors, tags or doubled keys. Nothing in a file is ever executed.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from evaluators.faults import Findings, quote

MAX_BYTES = 512 * 1024
MAX_DEPTH = 20


@dataclass
class Place:
    """One value of a YAML file: a dict or list of further Places, or a scalar. `raw` is a scalar as it was written."""

    value: object
    line: int
    column: int
    raw: str = ""
    key: dict | None = None  # line and column of the key it stands under

    def plain(self):
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: place.plain() for key, place in self.value.items()}
        if isinstance(self.value, list):
            return [place.plain() for place in self.value]
        return self.value

    @property
    def at(self) -> dict:
        return {"line": self.line, "column": self.column}


class _Builder(yaml.SafeLoader):
    """Builds the tree of nodes, refusing what could grow or call."""

    def __init__(self, text: str, found: Findings):
        super().__init__(text)
        self.found, self.depth = found, 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        place = {"line": event.start_mark.line + 1, "column": event.start_mark.column + 1}
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.found.stop("anchors (&) and aliases (*) are not read here", "Write the value out.", **place)
        if getattr(event, "tag", None) and event.tag != "!":
            self.found.stop(f"tags such as {quote(event.tag)} are not read here", "Remove the tag.", **place)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.found.stop(f"nested more than {MAX_DEPTH} deep", "Nothing in a package needs that.", **place)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read(data: bytes, file: str) -> Place:
    """The tree of a YAML file. Raises Faults where it is not one."""
    found = Findings(file)
    if len(data) > MAX_BYTES:
        found.stop(
            f"the file has {len(data):,} bytes", f"At most {MAX_BYTES:,} are read; this holds settings, not data."
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        found.stop("the file is in UTF-16", "Save it as UTF-8.", line=1, column=1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        found.stop("the file is not UTF-8", "Save it as UTF-8.", line=line, column=column)
    try:
        builder = _Builder(text, found)
        root = builder.get_single_node()
        if root is None:
            found.stop("the file is empty", "Write the keys slug, version, title, task, kind, metrics, ...", line=1)
        tree = _tree(builder, root, found)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found.stop(
            f"this is not YAML: {error.problem}", _remedy(text, mark), line=mark.line + 1, column=mark.column + 1
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found.stop("a character that YAML does not allow", "Remove control characters.", line=line)
    except RecursionError:
        found.stop("nested too deeply", "Nothing in a package needs that.")
    found.check()
    return tree


def _tree(builder: _Builder, node: yaml.Node, found: Findings) -> Place:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.SequenceNode):
        return Place([_tree(builder, item, found) for item in node.value], line, column)
    if isinstance(node, yaml.MappingNode):
        places: dict = {}
        for key, value in node.value:
            at = {"line": key.start_mark.line + 1, "column": key.start_mark.column + 1}
            if not isinstance(key, yaml.ScalarNode):
                found.add("a key must be plain text", "Write key: value.", **at)
            elif key.value in places:
                found.add(f"the key {quote(key.value)} is given twice", "Keep one of them.", **at)
            else:
                places[key.value] = _tree(builder, value, found)
                places[key.value].key = at
        return Place(places, line, column)
    return Place(_scalar(builder, node), line, column, node.value)


def _scalar(builder: _Builder, node: yaml.ScalarNode):
    tag = node.tag.rpartition(":")[2]
    try:
        if tag == "bool":
            return builder.construct_yaml_bool(node)
        if tag == "int":
            return builder.construct_yaml_int(node)
        if tag == "float":
            return builder.construct_yaml_float(node)
    except (ValueError, OverflowError):
        return node.value
    return None if tag == "null" else node.value


def _remedy(text: str, mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line:
        return "Indent with spaces; YAML takes no tabs."
    if line.count(": ") > 1:
        return 'Put a text that holds ": " in quotes.'
    return "Look at the quotes, brackets and indentation of this line and the one before."


def near(name: str, known: Iterable[str], what: str = "Known are") -> str:
    """A remedy for a name that is not known: the near ones, else `what` and the first dozen; nothing where `what` is "".

    >>> near("clases", ["classes", "cases", "kind"])
    'Did you mean classes or cases?'
    """
    known = [str(item) for item in known]
    folded = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(str(name)[:100].casefold(), folded, n=2, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(folded[item] for item in close)}?"
    if not what:
        return ""
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"{what} {shown}." if shown else ""
