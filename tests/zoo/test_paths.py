"""Which paths a file may have: by example, and that nothing odd ever passes."""

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import paths


@pytest.mark.parametrize(
    "path", ["README.md", "a/b/c.bin", ".gitattributes", "重み/モデル.onnx", "a b.txt", "...", "x" * 255, "a/.b", "-"]
)
def test_ordinary_names_are_good(path):
    assert paths.check(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "/etc/passwd", "a//b", "a/", "./a", "a/./b", "..", "../a", "a/../b", "a/..", ".git/config", "a/.GIT/b",
        "a\\b", "..\\a", "a\x00b", "a\nb", "a\rb", "a\tb", "a\x7fb", "a\x85b", "a\u2028b", "photo\u202egpj.exe", "x" * 256,
        "a/" * 300 + "b", "é" * 128,
    ],
)  # fmt: skip
def test_odd_names_are_refused_in_words(path):
    with pytest.raises(paths.BadPath) as error:
        paths.check(path)
    assert error.value.message.isprintable()
    assert error.value.status == 400


@given(st.text(st.one_of(st.sampled_from("./\\a.g\x00\n "), st.characters(codec="utf-8")), max_size=30))
def test_what_passes_stays_inside_any_folder_and_on_one_line(path):
    try:
        paths.check(path)
    except paths.BadPath:
        return
    assert posixpath.normpath("/base/" + path) == "/base/" + path
    assert "\\" not in path
    assert not any(unicodedata.category(letter) == "Cc" for letter in path)
    assert len(path.splitlines()) == 1


names = st.text("ab/", min_size=1, max_size=5).filter(lambda name: not name.startswith("/") and not name.endswith("/"))


@given(st.lists(names, max_size=5), names, st.text("ab/c", max_size=5))
def test_a_known_revision_is_split_from_its_path(others, name, path):
    revision, rest = paths.split_revision(f"{name}/{path}", [*others, name])
    assert f"{revision}/{rest}".rstrip("/") == f"{name}/{path}".rstrip("/")
    assert len(revision) >= len(name), "the longest known name wins"


@given(st.lists(st.text("ab/", min_size=1, max_size=6), max_size=6))
def test_a_set_of_paths_is_a_tree_or_refused(some):
    clash = any(other.startswith(path + "/") for path in some for other in some)
    if clash:
        with pytest.raises(paths.BadPath):
            paths.check_together(some)
    else:
        paths.check_together(some)
