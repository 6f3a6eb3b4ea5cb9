"""Answers that are tables: every fault with line and column of the participant's own file, and nothing but Faults."""

import io

import numpy as np
import pandas
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluators import readers
from evaluators.faults import Faults
from tests.evaluators.answers import (
    BINARY,
    DETECTION,
    DETECTION_3D,
    GOOD,
    GRADES,
    IDS,
    KINDS,
    LABELS,
    REGRESSION,
    SURVIVAL,
)

LINES = GOOD.splitlines()


def line(number: int, text: str) -> bytes:
    """The right answer of GRADES with one line changed (numbers as the participant's editor counts them)."""
    lines = list(LINES)
    lines[number - 1] = text
    return ("\n".join(lines) + "\n").encode()


def faults_of(tmp_path, manifest, data: bytes, name="answer.csv"):
    path = tmp_path / "upload"
    path.write_bytes(data)
    with pytest.raises(Faults) as caught:
        readers.check(manifest, IDS, path, name)
    with pytest.raises(Faults) as again:
        readers.read_predictions(manifest, IDS, path, tmp_path, name)
    assert again.value.faults == caught.value.faults, "the sandbox and the web process tell the same"
    assert all(fault.file == name for fault in caught.value.faults)
    return caught.value


# (what is wrong, bytes, words of the message, line, column)
BAD = [
    ("empty", b"", "empty", None, None),
    ("blank", b"\n\n \n", "empty", None, None),
    ("a header alone", b"case_id,none,mild,severe\n", "a header and no row", 1, None),
    ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture, not a CSV table", None, None),
    ("a workbook", b"PK\x03\x04" + bytes(100), "zip archive, not a CSV table", None, None),
    ("a pickle", b"\x80\x04\x95" + bytes(100), "a Python pickle", None, None),
    ("compressed", b"\x1f\x8b\x08" + bytes(100), "compressed with gzip", None, None),
    ("UTF-16", GOOD.encode("utf-16"), "UTF-16", None, None),
    ("garbage", bytes(range(256)) * 4, "not text", None, None),
    ("a zero byte far down", GOOD.encode() + b"x" * 600 + b"\0\n", "a zero byte", 7, None),
    ("semicolons", GOOD.replace(",", ";").encode(), "separated by semicolons", 1, 1),
    ("tabs", GOOD.replace(",", "\t").encode(), "separated by tabs", 1, 1),
    ("carriage returns alone", GOOD.replace("\n", "\r").encode(), "carriage return alone", 1, None),
    ("a header that is not UTF-8", "case_id,none,mild,sévère\n".encode("latin-1"), "header is not UTF-8", 1, 4),
    ("a mistyped column", line(1, "case_id,none,mild,sever"), "unknown column 'sever'", 1, 4),
    ("another case of letters", line(1, "case_id,none,Mild,severe"), "unknown column 'Mild'", 1, 3),
    ("a column more", line(1, "case_id,none,mild,severe,confidence"), "unknown column 'confidence'", 1, 5),
    ("a column less", b"case_id,none,mild\ncase-1,0.5,0.5\n", "the column 'severe' is missing", 1, None),
    ("a doubled column", line(1, "case_id,none,mild,mild"), "'mild' is there twice", 1, 4),
    ("a nameless column", line(1, ",none,mild,severe"), "column 1 has no name", 1, 1),
    ("an open quote in the header", line(1, 'case_id,"none,mild,severe'), "never closed", 1, None),
    ("an unknown case", line(3, "case-9,0.5,0.25,0.25"), "'case-9' is not a case", 3, 1),
    ("a case of no id", line(3, ",0.5,0.25,0.25"), "the case id is empty", 3, 1),
    ("a doubled case", line(4, "case-2,0.5,0.25,0.25"), "'case-2' was already given on line 3", 4, 1),
    ("a field more", line(4, "case-3,0,5,0.25,0.25"), "5 fields where the header has 4", 4, 5),
    ("a field less", line(4, "case-3,0.5,0.5"), "3 fields where the header has 4", 4, 3),
    ("an open quote", line(4, 'case-3,"0.5,0.25,0.25'), "a quote is never closed", 4, None),
    ("an empty field", line(4, "case-3,,0.5,0.5"), "the field is empty", 4, 2),
    ("a word", line(4, "case-3,high,0.5,0.5"), "'high' is not a number", 4, 2),
    ("an underscore", line(4, "case-3,0.5,0.2_5,0.25"), "'0.2_5' is not a number", 4, 3),
    ("a decimal comma in quotes", line(4, 'case-3,"0,5",0.25,0.25'), "'0,5' is not a number", 4, 2),
    ("NaN", line(6, "case-5,0.5,0.25,NaN"), "'NaN' is not a finite number", 6, 4),
    ("infinity", line(6, "case-5,-inf,0.25,0.25"), "'-inf' is not a finite number", 6, 2),
    ("per cent", line(2, "case-1,50,25,25"), "'50' is outside 0 to 1", 2, 2),
    ("a negative probability", line(2, "case-1,-0.1,0.6,0.5"), "'-0.1' is outside 0 to 1", 2, 2),
    ("a sum above 1", line(5, "case-4,0.61,0.20,0.21"), "the 3 probabilities add up to 1.02", 5, 2),
    ("bytes that are not UTF-8", LINES[0].encode() + b"\ncas\xe9,0.5,0.25,0.25\n", "is not a case", 2, 1),
    ("a line without end", b"case_id,none,mild,severe\n" + b"7" * (3 << 20), "longer than", 2, None),
    ("a header without end", b"x" * (2 << 20), "longer than", 1, None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words", "number", "column"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_table_is_told_its_fault_and_the_place(tmp_path, data, words, number, column):
    told = faults_of(tmp_path, GRADES, data)
    fault = next((fault for fault in told.faults if words in fault.message), None)
    assert fault, [str(item) for item in told.faults]
    assert (fault.line, fault.column) == (number, column)
    assert fault.hint


def test_every_fault_is_told_at_once_with_the_text_and_its_mark(tmp_path):
    data = b"case_id,none,mild,severe\ncase-1,0.5,NaN,0.25\ncase-9,2,0,0\ncase-3,0.5,0.25,0.25\ncase-3,1,0,0\n"
    told = faults_of(tmp_path, GRADES, data)
    assert [(fault.line, fault.column) for fault in told.faults] == [(2, 3), (3, 1), (3, 2), (5, 1), (None, None)]
    nan = told.faults[0]
    assert nan.text[slice(*nan.mark)] == "NaN"
    assert nan.name == "mild"
    assert told.faults[-1].message.startswith("3 of 5 cases are missing: 'case-2', 'case-4'")


def test_a_doubled_case_beside_a_bad_value_is_not_also_missing(tmp_path):
    told = faults_of(tmp_path, GRADES, line(4, "case-2,0.5,0.25,0.25"))
    assert [fault.message for fault in told.faults] == [
        "case 'case-2' was already given on line 3",
        "1 of 5 cases are missing: 'case-3'",
    ]


def test_the_first_fifty_faults_are_listed_and_all_are_counted(tmp_path):
    data = b"case_id,none,mild,severe\n" + b"who,0.5,0.25,0.25\n" * 70_000
    told = faults_of(tmp_path, GRADES, data)
    assert len(told.faults) == 50
    assert told.count == 70_001  # and that all cases are missing


def test_a_file_above_the_limit_of_the_benchmark_is_not_read(tmp_path):
    (tmp_path / "answer").write_text(GOOD)
    with pytest.raises(Faults, match="takes at most 100 bytes"):
        readers.check(GRADES | {"limits": {"max_bytes": 100}}, IDS, tmp_path / "answer")


def test_windows_lines_a_byte_order_mark_quotes_spaces_and_blank_lines_are_taken(tmp_path):
    text = "\ufeff" + GOOD.replace("case-2,0.5", '"case-2", 0.5').replace("\n", "\r\n") + "\r\n\r\n"
    (tmp_path / "answer").write_bytes(text.encode())
    assert readers.check(GRADES, IDS, tmp_path / "answer") is True
    values = readers.read_predictions(GRADES, IDS, tmp_path / "answer", tmp_path)
    assert values.tolist() == [[0.5, 0.25, 0.25]] * 5


def test_lines_are_counted_past_quotes_blank_lines_and_windows_ends(tmp_path):
    told = faults_of(
        tmp_path, GRADES, b'case_id,none,mild,severe\r\n\r\n"case-1",0.5,0.25,0.25\r\n\r\ncase-2,7,0,0\r\n'
    )
    assert (told.faults[0].line, told.faults[0].column) == (5, 2)


def test_faults_far_down_have_their_line_whatever_block_they_fall_into(tmp_path):
    ids = [f"case-{number:07d}" for number in range(120_000)]
    lines = ["case_id,value", *(f"{name},1.25" for name in ids)]
    lines[99_999] = f"{ids[99_998]},no"
    (tmp_path / "answer").write_text("\n".join(lines))  # and no line end at the last
    with pytest.raises(Faults) as caught:
        readers.check(REGRESSION, ids, tmp_path / "answer")
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [(100_000, 2)]


def test_a_case_doubled_in_another_block_is_told_with_its_first_line(tmp_path):
    ids = [f"case-{number:07d}" for number in range(120_000)]
    lines = ["case_id,value", *(f"{name},1.25" for name in ids)]
    lines[99_999] = f"{ids[4]},1.25"
    (tmp_path / "answer").write_text("\n".join(lines))
    with pytest.raises(Faults) as caught:
        readers.check(REGRESSION, ids, tmp_path / "answer")
    first, second = caught.value.faults
    assert first.message == "case 'case-0000004' was already given on line 6"
    assert (first.line, first.column) == (100_000, 1)
    assert second.message == "1 of 120,000 cases are missing: 'case-0099998'"


def test_rows_may_come_in_any_order_and_columns_too(tmp_path):
    rows = [f"0.{number},{name},0.25,{0.75 - number / 10:.2f}" for number, name in enumerate(IDS, 1)]
    (tmp_path / "answer").write_text("\n".join(["mild,case_id,severe,none", *rows[::-1]]))
    values = readers.read_predictions(GRADES, IDS, tmp_path / "answer", tmp_path)
    assert values[:, 1].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert np.allclose(values.sum(axis=1), 1)


def test_a_binary_answer_may_hold_the_second_class_alone(tmp_path):
    (tmp_path / "answer").write_text("case_id,malignant\n" + "".join(f"{name},0.2\n" for name in IDS))
    values = readers.read_predictions(BINARY, IDS, tmp_path / "answer", tmp_path)
    assert values.shape == (5, 2)
    assert values[0].tolist() == [0.8, 0.2]


def test_the_first_class_alone_will_not_do(tmp_path):
    told = faults_of(tmp_path, BINARY, b"case_id,benign\ncase-1,0.5\n")
    assert told.faults[0].message == "the column 'malignant' is missing"


def test_labels_of_one_case_need_not_add_up(tmp_path):
    (tmp_path / "answer").write_text("case_id,effusion,nodule\n" + "".join(f"{name},0.9,0.8\n" for name in IDS))
    assert readers.read_predictions(LABELS, IDS, tmp_path / "answer", tmp_path).tolist() == [[0.9, 0.8]] * 5


SURVIVAL_BAD = [
    ("neither risk nor times", b"case_id,hazard\ncase-1,1\n", "the column 'risk' is missing", 1, None),
    ("a time that is none", b"case_id,risk,t=soon\ncase-1,1,1\n", "'t=soon' names no time", 1, 3),
    ("a time twice", b"case_id,t=1,t=1.0\ncase-1,1,1\n", "the time of 't=1.0' is there twice", 1, 3),
    ("a curve that rises", b"case_id,t=10,t=5\ncase-1,0.9,0.8\n", "rises from 't=5' to 't=10'", 2, 2),
    ("a survival above 1", b"case_id,risk,t=5\ncase-1,3,1.2\n", "'1.2' is outside 0 to 1", 2, 3),
    ("an infinite risk", b"case_id,risk\ncase-1,inf\n", "'inf' is not a finite number", 2, 2),
]


@pytest.mark.parametrize(
    ("data", "words", "number", "column"), [row[1:] for row in SURVIVAL_BAD], ids=[r[0] for r in SURVIVAL_BAD]
)
def test_a_bad_survival_answer_is_told_its_fault_and_the_place(tmp_path, data, words, number, column):
    fault = next(fault for fault in faults_of(tmp_path, SURVIVAL, data).faults if words in fault.message)
    assert (fault.line, fault.column) == (number, column)


def test_survival_curves_come_in_the_order_of_their_times(tmp_path):
    (tmp_path / "answer").write_text("case_id,t=10,risk,t=5\n" + "".join(f"{name},0.25,-3,0.75\n" for name in IDS))
    answer = readers.read_predictions(SURVIVAL, IDS, tmp_path / "answer", tmp_path)
    assert answer["times"].tolist() == [5, 10]
    assert answer["survival"][0].tolist() == [0.75, 0.25]
    assert answer["risk"].tolist() == [-3] * 5


BOXES_BAD = [
    (
        "no class",
        b"case_id,label,score,x,y,w,h\ncase-1,Platelet,1,0,0,1,1\n",
        "'Platelet' is not one of the classes",
        2,
        2,
    ),
    ("no width", b"case_id,label,score,x,y,w,h\ncase-1,RBC,1,0,0,0,1\n", "'0' is not above 0", 2, 6),
    ("another case", b"case_id,label,score,x,y,w,h\ncase-0,RBC,1,0,0,1,1\n", "'case-0' is not a case", 2, 1),
    ("NaN", b"case_id,label,score,x,y,w,h\ncase-1,RBC,nan,0,0,1,1\n", "'nan' is not a finite number", 2, 3),
    ("a volume's box", b"case_id,label,score,x,y,z,w,h,d\ncase-1,RBC,1,0,0,0,1,1,1\n", "unknown column 'z'", 1, 6),
    ("cut off JSON", b'[{"image_id": "case-1", "category_id": 1', "this is not JSON", 1, 41),
    ("JSON of another form", b'{"annotations": []}', "not a list of detections", 1, 1),
    (
        "a box of three",
        b'[\n  {"image_id": "case-1", "category_id": 1, "bbox": [1, 2, 3], "score": 1}]',
        "bbox is not four",
        2,
        3,
    ),
    (
        "NaN in JSON",
        b'[{"image_id": "case-1", "category_id": 1, "bbox": [1, 2, 3, 4], "score": NaN}]',
        "NaN is not a finite",
        1,
        2,
    ),
    (
        "a class of JSON",
        b'[{"image_id": "case-1", "category_id": 3, "bbox": [1, 2, 3, 4], "score": 1}]',
        "'3' is not one of",
        1,
        2,
    ),
    ("a key less", b'[\n{"image_id": "case-1", "category_id": 3, "score": 1}]', "bbox is missing", 2, 1),
    ("deep", b"[" * 100_000, "nested too deeply", 1, 2),
    ("a long number", b"[" + b"9" * 5000 + b"]", "too many digits", 1, 2),
    ("more after the end", b"[] []", "more after the end", 1, 4),
]


@pytest.mark.parametrize(
    ("data", "words", "number", "column"), [row[1:] for row in BOXES_BAD], ids=[row[0] for row in BOXES_BAD]
)
def test_bad_boxes_are_told_their_fault_and_the_place(tmp_path, data, words, number, column):
    told = faults_of(tmp_path, DETECTION, data)
    fault = next((fault for fault in told.faults if words in fault.message), None)
    assert fault, [str(item) for item in told.faults]
    assert (fault.line, fault.column) == (number, column)


def test_boxes_from_table_and_coco_are_the_same(tmp_path):
    (tmp_path / "table").write_text(
        "case_id,label,score,x,y,w,h\ncase-3,WBC,0.5,1,2,3,4\ncase-1,RBC,0.25,5,6,7,8\ncase-3,WBC,0.75,9,9,9,9\n"
    )
    (tmp_path / "coco").write_text(
        '[{"image_id":"case-3","category_id":2,"bbox":[1,2,3,4],"score":0.5},\n'
        ' {"image_id":"case-1","category_id":"RBC","bbox":[5,6,7,8],"score":0.25},'
        ' {"image_id":"case-3","category_id":2,"bbox":[9,9,9,9],"score":0.75}]'
    )
    for name in ("table", "coco"):
        assert readers.check(DETECTION, IDS, tmp_path / name) is True
        boxes = readers.read_predictions(DETECTION, IDS, tmp_path / name, tmp_path)
        assert boxes["WBC"][2].tolist() == [[1, 2, 3, 4, 0.5], [9, 9, 9, 9, 0.75]]
        assert boxes["RBC"][0].tolist() == [[5, 6, 7, 8, 0.25]]
        assert [len(rows) for rows in boxes["RBC"]] == [1, 0, 0, 0, 0]
        assert boxes["RBC"][4].shape == (0, 5)


def test_boxes_in_a_volume_have_seven_numbers(tmp_path):
    (tmp_path / "answer").write_text("case_id,label,score,x,y,z,w,h,d\ncase-2,RBC,0.5,1,2,3,4,5,6\n")
    assert readers.read_predictions(DETECTION_3D, IDS, tmp_path / "answer", tmp_path)["RBC"][1].tolist() == [
        [1, 2, 3, 4, 5, 6, 0.5]
    ]


def parquet(frame: pandas.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def test_parquet_is_left_to_the_sandbox_and_read_there(tmp_path):
    frame = pandas.DataFrame({"case_id": IDS, "none": [0.5] * 5, "mild": [0.25] * 5, "severe": [0.25] * 5})
    (tmp_path / "answer").write_bytes(parquet(frame))
    assert readers.check(GRADES, IDS, tmp_path / "answer") is False
    assert readers.read_predictions(GRADES, IDS, tmp_path / "answer", tmp_path).tolist() == [[0.5, 0.25, 0.25]] * 5


def test_faults_in_parquet_have_the_number_of_their_row(tmp_path):
    frame = pandas.DataFrame(
        {"case_id": [*IDS[:4], "who"], "none": [0.5, None, 2, 0.5, 0.5], "mild": 0.25, "severe": 0.25}
    )
    (tmp_path / "answer").write_bytes(parquet(frame))
    with pytest.raises(Faults) as caught:
        readers.read_predictions(GRADES, IDS, tmp_path / "answer", tmp_path)
    places = {(fault.line, fault.column) for fault in caught.value.faults}
    assert {(5, 1), (2, 2), (3, 2)} <= places


@pytest.mark.parametrize("damage", [b"PAR1" + bytes(60), b"PAR1" * 30])
def test_damaged_parquet_is_a_fault(tmp_path, damage):
    (tmp_path / "answer").write_bytes(damage)
    with pytest.raises(Faults, match="damaged Parquet"):
        readers.read_predictions(GRADES, IDS, tmp_path / "answer", tmp_path)


HEADERS = st.sampled_from(
    [GOOD.encode()[:25], b"case_id,risk,t=1\n", b"case_id,value\n", b"case_id,label,score,x,y,w,h\n", b"[{", b""]
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(
    header=HEADERS,
    rest=st.one_of(
        st.binary(max_size=300), st.text(alphabet='case-12345,.0"\r\n-eNnaif;', max_size=200).map(str.encode)
    ),
)
@example(header=b"", rest=b"PK\x05\x06" + bytes(18))
@example(header=b"", rest=b"[]")
def test_no_bytes_raise_anything_but_faults(tmp_path_factory, kind, header, rest):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "upload").write_bytes(header + rest)
    for read in (
        lambda: readers.check(KINDS[kind], IDS, folder / "upload"),
        lambda: readers.read_predictions(KINDS[kind], IDS, folder / "upload", folder),
    ):
        try:
            read()
        except Faults as faults:
            assert faults.count >= len(faults.faults) >= 1
            for fault in faults.faults:
                assert fault.message
                assert "Traceback" not in str(fault)
                assert str(folder) not in str(fault)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=5, max_size=5), st.permutations(range(5)), st.booleans())
def test_what_is_written_is_what_is_read(tmp_path_factory, values, order, quoted):
    folder = tmp_path_factory.mktemp("same")
    mark = '"' if quoted else ""
    rows = [f"{mark}{IDS[place]}{mark},{values[place]!r}" for place in order]
    (folder / "upload").write_text("case_id,value\n" + "\n".join(rows))
    assert readers.read_predictions(REGRESSION, IDS, folder / "upload", folder).tolist() == values
