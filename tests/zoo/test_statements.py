"""What a card states: read where it is well written, told where it is not, and never an exception."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import cards, statements

CARD = """---
license: apache-2.0
library_name: timm
pipeline_tag: image-classification
tags: [medical, retina]
datasets: [RetinaMNIST]
metrics: [auroc]
model-index:
- name: net
  results:
  - task: {type: image-classification, name: Grading}
    dataset: {type: retinamnist, name: RetinaMNIST, split: test}
    metrics:
    - {type: auroc, value: 0.91}
    - {type: accuracy, name: Accuracy, value: "53 %"}
    - {type: loss, value: low}
    source: {name: our paper}
medical:
  intended_use: Grading of fundus photographs in research
  contraindications: [diagnosis of a patient, photographs after surgery]
  population: Adults with diabetes
  modality: fundus photography
  anatomy: retina
  acquisition: {camera: any, pixels: 28}
  training_data:
  - {name: RetinaMNIST, size: 1080, licence: CC BY 4.0, supervision: full}
  - {name: Reports, supervision: weakly supervised}
---
# Net
"""


def test_every_field_is_read():
    front, faults = cards.read_front(CARD)
    told = statements.read(front)
    assert not faults and not told.faults and not told.missing
    lines = {line.key: line.values for line in told.medical}
    assert lines["contraindications"] == ["diagnosis of a patient", "photographs after surgery"]
    assert lines["acquisition"] == ["camera: any", "pixels: 28"]
    assert [(each.name, each.size, each.licence, each.supervision) for each in told.training] == [
        ("RetinaMNIST", "1080", "CC BY 4.0", "full"),
        ("Reports", "", "", "weak"),
    ]
    assert {line.key: line.values for line in told.hub}["tags"] == ["medical", "retina"]
    assert [(each.metric, each.value, each.number) for each in told.declared] == [
        ("auroc", "0.91", 0.91), ("accuracy", "53 %", 0.53), ("loss", "low", None),
    ]  # fmt: skip
    assert (told.declared[0].dataset, told.declared[0].split, told.declared[0].source) == (
        "RetinaMNIST", "test", "our paper",
    )  # fmt: skip
    facts = cards.facts(front)
    assert (facts["modality"], facts["anatomy"]) == ("fundus photography", "retina")


def test_the_documented_card_is_understood_whole():
    page = (Path(__file__).resolve().parents[2] / "docs" / "cards.md").read_text()
    front, faults = cards.read_front(page.partition("```yaml\n")[2].partition("```")[0])
    told = statements.read(front)
    assert front["title"] and not (faults or told.faults or told.missing)
    assert {line.key for line in told.medical} == set(statements.MEDICAL)
    assert told.training[0].supervision == "full" and told.declared[0].number == 0.91
    assert all(f"`{kind}`" in page for kind in statements.SUPERVISION)


def test_fields_may_stand_at_the_top_too():
    told = statements.read({"intended_use": "Research", "supervision": "semi", "datasets": ["A", "B"]})
    assert told.medical[0].values == ["Research"]
    assert [(each.name, each.supervision) for each in told.training] == [("A", "semi"), ("B", "semi")]
    assert told.missing == ["Do not use for", "Population"]


def test_a_supervision_that_nobody_knows_is_told():
    told = statements.read({"medical": {"supervision": "telepathy"}})
    assert told.training == []
    assert "telepathy" in told.faults[0] and "full, semi, weak" in told.faults[0]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.5, 0.5),
        (1, 1.0),
        ("0.5", 0.5),
        ("91.2%", 0.912),
        (True, None),
        ("high", None),
        (float("nan"), None),
        (None, None),
    ],
)
def test_values_as_people_write_them(value, number):
    assert statements.number(value) == number


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "medical",
                    "model-index",
                    "results",
                    "metrics",
                    "dataset",
                    "type",
                    "value",
                    "training_data",
                    "supervision",
                    "name",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(ANYTHING)
def test_nothing_that_a_stranger_writes_breaks_it(value):
    front = value if isinstance(value, dict) else {"medical": value, "model-index": value, "training_data": value}
    told = statements.read(front)
    assert all(isinstance(text, str) for line in told.medical + told.hub for text in line.values)
