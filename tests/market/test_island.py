"""Islands and the index."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.market.organizer import Index, Island
from learnware.market.organizer.island import ALL_VOTE
from learnware.specification import RKME, Column, SemanticSpecification, Space, Specification


def rkme(seed, *, k=6, d=2, space=None):
    rng = np.random.default_rng(seed)
    points = rng.normal(rng.normal(0, 3, d), 1.0, (k, d))
    return RKME(points, rng.dirichlet(np.ones(k)), space, n_samples=200)


def island(members):
    built = Island(members[0].space)
    for i, member in enumerate(members):
        built.add(str(i), member)
    return built


def brute_distance(frame, a, b):
    product = [
        frame.kernel(frame.apply(x.points), frame.apply(y.points)).T @ x.weights @ y.weights
        for x, y in ((a, a), (b, b), (a, b))
    ]
    return np.sqrt(max(0.0, product[0] + product[1] - 2 * product[2]))


def test_members_of_different_sizes_are_padded_without_weight():
    members = [rkme(0, k=3), rkme(1, k=7)]
    built = island(members)
    points, weights = built.framed([0, 1])
    assert points.shape == (2, 7, 2)
    assert weights[0, 3:].tolist() == [0] * 4
    np.testing.assert_allclose(points[0, :3], built.frame.apply(members[0].points), rtol=1e-6)


def test_self_products_and_sketches_agree_with_brute_force():
    members = [rkme(i) for i in range(5)]
    built = island(members)
    frame = built.frame
    for i, member in enumerate(members):
        gram = frame.kernel(frame.apply(member.points), frame.apply(member.points))
        assert built.self_products[i] == pytest.approx(member.weights @ gram @ member.weights, rel=1e-5)
    for i in range(5):
        for j in range(5):
            rough = np.linalg.norm(built.sketches[i] - built.sketches[j])
            assert rough == pytest.approx(brute_distance(frame, members[i], members[j]), abs=0.12)


def test_columns_are_put_in_the_order_of_the_first():
    ab, ba = (Space(tuple(Column(name, "number") for name in names)) for names in ("ab", "ba"))
    first, turned = rkme(0, space=ab), rkme(1, space=ba)
    built = island([first, turned])
    np.testing.assert_array_equal(built.member(1).points, turned.points[:, ::-1])


def test_the_frame_depends_on_members_and_order_alone():
    members = [rkme(i) for i in range(20)]
    at_once = island(members)
    bit_by_bit = Island(members[0].space)
    for i, member in enumerate(members):
        bit_by_bit.add(str(i), member)
        assert len(bit_by_bit.sketches) == i + 1
    np.testing.assert_array_equal(at_once.frame.scale, bit_by_bit.frame.scale)
    np.testing.assert_allclose(at_once.sketches, bit_by_bit.sketches, atol=1e-6)


def test_a_large_island_keeps_its_frame_until_it_doubles():
    built = island([rkme(i, k=2) for i in range(ALL_VOTE + 4)])
    frame = built.frame
    built.add("new", rkme(999, k=3))
    assert built.frame is frame
    assert len(built.sketches) == ALL_VOTE + 5
    for i in range(ALL_VOTE):
        built.add(f"more {i}", rkme(i, k=2))
    assert built.frame is not frame


def test_removing_gives_what_adding_the_others_would():
    members = [rkme(i) for i in range(8)]
    built = island(members)
    assert len(built.sketches) == 8
    built.remove(["0", "5"])
    others = island([m for i, m in enumerate(members) if i not in (0, 5)])
    assert built.ids == ["1", "2", "3", "4", "6", "7"]
    np.testing.assert_allclose(built.sketches, others.sketches, atol=1e-6)
    np.testing.assert_allclose(built.self_products, others.self_products, rtol=1e-6)


def test_those_of_similar_data_come_first_whoever_was_added_and_removed_before():
    members = [RKME(np.random.default_rng(i).normal(i, 1.0, (6, 2)), np.full(6, 1 / 6)) for i in range(40)]
    built = island(members)
    built.remove([str(i) for i in range(0, 40, 2)])
    built.add("late", members[20])
    assert built.ids[built.alike(members[20])[0]] == "late"
    assert sorted(built.alike(members[20])) == list(range(21))
    assert {built.ids[row] for row in built.alike(members[3])[:5]} >= {"3", "5"}


def test_a_member_that_is_replaced_changes_the_frame():
    members = [rkme(i) for i in range(3)]
    built = island(members)
    before = built.frame
    built.remove(["2"])
    built.add("2", rkme(99))
    fresh = island([*members[:2], rkme(99)])
    assert built.frame is not before
    np.testing.assert_array_equal(built.frame.scale, fresh.frame.scale)


def test_removing_from_a_large_island_keeps_rows_and_members_together():
    members = [rkme(i, k=2) for i in range(ALL_VOTE + 40)]
    built = island(members)
    assert len(built.sketches) == len(members)
    built.remove([str(ALL_VOTE + 7)])
    points, _ = built.framed([ALL_VOTE + 7])
    np.testing.assert_allclose(points[0], built.frame.apply(members[ALL_VOTE + 8].points), rtol=1e-5)


def test_index_keeps_islands_apart_and_forgets_empty_ones():
    index = Index()
    index.add("a", Specification(SemanticSpecification(name="a"), rkme(0, d=2)))
    index.add("b", Specification(SemanticSpecification(name="b"), rkme(1, d=3)))
    index.add("c", Specification(SemanticSpecification(name="c")))
    assert len(index) == 3
    assert "c" in index
    assert [i.ids for i in index.islands_for(rkme(2, d=3).space)] == [["b"]]
    index.remove(["b", "unknown"])
    assert index.islands_for(rkme(2, d=3).space) == []
    assert [i for i, _ in index.semantic()] == ["a", "c"]
