"""Words of a specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnware.errors import InvalidSpecification
from learnware.specification import VOCABULARY, Fields, SemanticSpecification
from learnware.specification.semantic import readable

UPSTREAM = {
    "Data": {"Type": "Class", "Values": ["Table"]},
    "Task": {"Type": "Class", "Values": ["Classification"]},
    "Library": {"Type": "Class", "Values": ["Scikit-learn"]},
    "Scenario": {"Type": "Tag", "Values": ["Business", "Health"]},
    "License": {"Type": "Class", "Values": ["Apache-2.0"]},
    "Name": {"Type": "String", "Values": "Test Classification"},
    "Description": {"Type": "String", "Values": "just a test"},
    "Input": {"Dimension": 64, "Description": {"0": "f0"}},
    "Output": {"Dimension": 10, "Description": {"0": "c0"}},
}


def test_tags_are_accepted_in_any_case_and_kept_as_the_vocabulary_spells_them():
    semantic = SemanticSpecification(
        data="TABLE", task="feature extraction", library="pytorch", scenarios=("health", "HEALTH"), license="mit"
    )
    assert (semantic.data, semantic.task, semantic.library) == ("Table", "Feature Extraction", "PyTorch")
    assert semantic.scenarios == ("Health",)
    assert semantic.license == "MIT"


@pytest.mark.parametrize("field", ["data", "task", "library", "license"])
def test_a_wrong_tag_names_field_value_and_what_is_allowed(field):
    with pytest.raises(InvalidSpecification) as caught:
        SemanticSpecification(**{field: "Nonsense"})
    for part in (repr(field), "'Nonsense'", *VOCABULARY[field]):
        assert part in str(caught.value)


@pytest.mark.parametrize("scenarios", ["Nonsense", ("Business", "Nonsense"), (3,)])
def test_a_wrong_scenario_is_refused(scenarios):
    with pytest.raises(InvalidSpecification, match="scenarios"):
        SemanticSpecification(scenarios=scenarios)


@pytest.mark.parametrize(
    "hidden", ["\x1b[2J", "\n", "\r", "\0", "\x9b", "\u2028", "\u202e", "\u2066", "\u200b", "\ufeff"]
)
def test_a_title_holds_nothing_hidden(hidden):
    with pytest.raises(InvalidSpecification, match="'name' must hold no control") as caught:
        SemanticSpecification(name=f"Sales{hidden}")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("hidden", ["\x1b[2J", "\0", "\x7f", "\x9b"])
def test_a_description_holds_no_control_characters(hidden):
    with pytest.raises(InvalidSpecification, match="'description' must hold no control"):
        SemanticSpecification(description=f"Sales{hidden}")


@pytest.mark.parametrize("half", ["\ud800", "\udc00\ud800"])
@pytest.mark.parametrize("field", ["name", "description"])
def test_text_holds_no_half_characters(field, half):
    with pytest.raises(InvalidSpecification, match=f"{field}.* UTF-8 can write.*leave it out") as caught:
        SemanticSpecification(**{field: f"Sales{half}"})
    assert str(caught.value).isprintable()
    assert readable(f"Sales{half}", field) == "Sales"


def test_what_columns_mean_holds_no_half_characters():
    with pytest.raises(InvalidSpecification, match="description 1 of Fields.* UTF-8 can write"):
        Fields(2, {0: "fine", 1: "\ud800"})


def test_what_people_write_is_kept():
    words = SemanticSpecification(name="نمی\u200cدانم 👩\u200d🔬", description="# A\n\tb \u200f ש")
    assert (words.name, words.description) == ("نمی\u200cدانم 👩\u200d🔬", "# A\n\tb \u200f ש")


def test_one_scenario_may_come_as_text():
    assert SemanticSpecification(scenarios="business").scenarios == ("Business",)


@pytest.mark.parametrize("value", [3, ["a"], b"a"])
def test_name_and_description_are_text(value):
    with pytest.raises(InvalidSpecification, match="'name' must be text"):
        SemanticSpecification(name=value)


def test_what_is_not_said_is_left_out():
    assert SemanticSpecification().to_dict() == {}
    assert SemanticSpecification(name="a", task="").said() == {"name": "a"}


def test_the_upstream_dictionary_reads_and_writes():
    semantic = SemanticSpecification.from_dict(UPSTREAM)
    assert semantic.inputs == Fields(64, {0: "f0"})
    assert semantic.to_dict() == UPSTREAM


@pytest.mark.parametrize(
    "content",
    [
        {"Colour": {"Type": "Class", "Values": ["red"]}},
        {"Task": {"Type": "Class", "Values": ["Classification", "Regression"]}},
        {"Task": "Classification"},
        {"Task": {"Type": "Class", "Values": 3}},
        {"Name": {"Type": "String", "Values": ["a"]}},
        {"Input": {"Description": {}}},
        {"Input": {"Dimension": 2, "Description": {"2": "out of range"}}},
        {"Input": {"Dimension": 0, "Description": {}}},
        {"Input": {"Dimension": True, "Description": {}}},
        {"Input": 3},
        [],
        None,
    ],
)
def test_other_dictionaries_are_refused(content):
    with pytest.raises(InvalidSpecification):
        SemanticSpecification.from_dict(content)


tags = {name: st.sampled_from([None, *VOCABULARY[name]]) for name in ("data", "task", "library", "license")}


@given(
    st.builds(
        SemanticSpecification,
        name=st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=20),
        description=st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t"), max_size=50),
        scenarios=st.lists(st.sampled_from(VOCABULARY["scenarios"]), max_size=4).map(tuple),
        inputs=st.none() | st.builds(Fields.named, st.lists(st.text(max_size=5), min_size=1, max_size=5)),
        **tags,
    )
)
def test_writing_and_reading_gives_the_same(semantic):
    assert SemanticSpecification.from_dict(semantic.to_dict()) == semantic


def test_line_breaks_of_any_system_are_line_breaks() -> None:
    assert SemanticSpecification(description="one\r\ntwo\rthree").description == "one\ntwo\nthree"
