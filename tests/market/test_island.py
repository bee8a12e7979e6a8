"""Islands: what an index knows of learnwares of one space, and how it grows."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.market.organizer import frames, growth
from learnware.market.organizer.frames import ALL_VOTE
from learnware.specification import RKME, Column, Frame, SemanticSpecification, Space, Specification
from tests.market.indexed import Indexed


def rkme(seed, *, k=6, d=2, space=None, centre=None):
    rng = np.random.default_rng(seed)
    points = rng.normal(rng.normal(0, 3, d) if centre is None else centre, 1.0, (k, d))
    return RKME(points, rng.dirichlet(np.ones(k)), space, n_samples=200)


def spec(seed, **how):
    return Specification(statistical=rkme(seed, **how))


def indexed(seeds, **how):
    return Indexed({f"learnware {seed}": spec(seed, **how) for seed in seeds})


def brute_distance(frame, a, b):
    product = [
        frame.kernel(frame.apply(x.points), frame.apply(y.points)).T @ x.weights @ y.weights
        for x, y in ((a, a), (b, b), (a, b))
    ]
    return np.sqrt(max(0.0, product[0] + product[1] - 2 * product[2]))


def test_members_of_different_sizes_are_padded_without_weight():
    built = Indexed({"short": spec(0, k=3), "long": spec(1, k=7)})
    island = built.island()
    _, members = island.known(np.arange(2))
    points, weights = island.framed(members)
    assert points.shape == (2, 7, 2)
    assert weights[0, 3:].tolist() == [0] * 4
    np.testing.assert_allclose(points[0, :3], island.ruler.frame.apply(rkme(0, k=3).points), rtol=1e-6)


@pytest.mark.parametrize("sizes", [[6] * 5, [2, 40, 7, 300, 1]])
def test_self_products_and_sketches_agree_with_brute_force(sizes):
    members = [rkme(i, k=k) for i, k in enumerate(sizes)]
    island = Indexed({str(i): Specification(statistical=m) for i, m in enumerate(members)}).island()
    frame, sketches = island.ruler.frame, island.sketches(np.arange(len(sizes)))
    for i, member in enumerate(members):
        gram = frame.kernel(frame.apply(member.points), frame.apply(member.points))
        assert island.self_products[i] == pytest.approx(member.weights @ gram @ member.weights, rel=1e-5)
        for j, other in enumerate(members):
            rough = np.linalg.norm(sketches[i] - sketches[j])
            assert rough == pytest.approx(brute_distance(frame, member, other), abs=0.15)


def test_columns_are_put_in_the_order_of_the_first():
    ab, ba = (Space(tuple(Column(name, "number") for name in names)) for names in ("ab", "ba"))
    built = Indexed({"first": spec(0, space=ab), "turned": spec(1, space=ba)})
    _, members = built.island().known(np.arange(2))
    np.testing.assert_array_equal(members[1].embedding.points, rkme(1).points[:, ::-1])


def test_up_to_so_many_all_members_vote():
    at_once, bit_by_bit = indexed(range(20)), Indexed()
    for i in range(20):
        bit_by_bit.add(f"learnware {i}", spec(i))
        assert len(bit_by_bit.island()) == i + 1
    frame = Frame.pool([rkme(i) for i in range(20)])
    for built in (at_once, bit_by_bit):
        np.testing.assert_array_equal(built.island().ruler.frame.scale, frame.scale)
        assert built.island().ruler.frame.kernel == frame.kernel
    rows = np.arange(20)
    np.testing.assert_array_equal(at_once.island().sketches(rows), bit_by_bit.island().sketches(rows))


def test_a_frame_that_tells_nothing_new_is_kept():
    built = indexed(range(ALL_VOTE + 4), k=2, centre=0.0)
    frame = built.island().ruler.frame
    for i in range(1000, 1000 + 2 * ALL_VOTE):
        built.add(str(i), spec(i, k=2, centre=0.0))
    assert built.island().ruler.frame is frame
    assert len(built.island()) == 3 * ALL_VOTE + 4


def test_a_frame_that_does_not_fit_any_more_is_estimated_anew_when_the_island_has_doubled():
    built = indexed(range(ALL_VOTE + 4), k=2, centre=0.0)
    frame = built.island().ruler.frame
    for i in range(ALL_VOTE + 4, 2 * ALL_VOTE - 1):
        built.add(str(i), spec(i, k=2, centre=30.0))
    assert built.island().ruler.frame is frame
    built.add("the last one", spec(0, k=2, centre=30.0))
    island = built.island()
    assert island.ruler.frame is not frame
    assert len(island) == 2 * ALL_VOTE
    assert np.abs(island.ruler.frame.location - frame.location).max() > 1.0
    # All rows are measured in it, old and new ones.
    _, members = island.known(np.arange(2 * ALL_VOTE))
    for row in (0, 2 * ALL_VOTE - 1):
        own = brute_distance(island.ruler.frame, members[row].embedding, rkme(0, k=1, centre=1e6)) ** 2
        assert own == pytest.approx(island.self_products[row] + 1.0, abs=1e-4)


def test_at_once_and_bit_by_bit_an_island_comes_to_the_same_frame(monkeypatch):
    monkeypatch.setattr(frames, "ALL_VOTE", 8)
    monkeypatch.setattr(growth, "ALL_VOTE", 8)
    monkeypatch.setattr(frames, "MOST_VOTERS", 16)
    seeds, bit_by_bit = range(70), Indexed()
    for i in seeds:
        bit_by_bit.add(f"learnware {i}", spec(i, centre=0.1 * i))
        bit_by_bit.island()
    at_once = Indexed({f"learnware {i}": spec(i, centre=0.1 * i) for i in seeds})
    np.testing.assert_array_equal(at_once.island().ruler.frame.scale, bit_by_bit.island().ruler.frame.scale)
    np.testing.assert_array_equal(at_once.island().ruler.frame.location, bit_by_bit.island().ruler.frame.location)


@pytest.mark.parametrize(("before", "after", "sizes"), [(0, 255, []), (255, 256, [256]), (255, 2000, [256, 512, 1024])])
def test_milestones(before, after, sizes):
    assert list(frames.milestones(before, after)) == sizes
    assert list(frames.milestones(after, after)) == []


def test_voters_are_spread_over_all_members():
    assert frames.voters(256).tolist() == list(range(256))
    chosen = frames.voters(8192)
    assert len(chosen) == frames.MOST_VOTERS
    assert (chosen[0], chosen[-1]) == (0, 8191)
    assert np.diff(chosen).max() <= 9


def test_removing_gives_what_adding_the_others_would():
    built, others = indexed(range(8)), indexed([1, 2, 3, 4, 6, 7])
    assert len(built.island()) == 8
    built.remove("learnware 0", "learnware 5")
    island, other = built.island(), others.island()
    assert built.ids(island) == others.ids(other)
    np.testing.assert_array_equal(island.sketches(np.arange(6)), other.sketches(np.arange(6)))
    np.testing.assert_array_equal(island.self_products, other.self_products)


def test_a_member_that_is_replaced_changes_the_frame():
    built = indexed(range(3))
    before = built.island().ruler.frame
    built.store.replace("learnware 2", b"another", spec(99))
    island = built.island()
    assert island.ruler.frame is not before
    assert built.ids(island) == ["learnware 0", "learnware 1", "learnware 2"]
    np.testing.assert_array_equal(island.ruler.frame.scale, Frame.pool([rkme(0), rkme(1), rkme(99)]).scale)


def test_in_a_large_island_rows_of_the_removed_are_passed_over_and_at_last_left_out():
    n = ALL_VOTE + 40
    built = indexed(range(n + 400), k=2)
    assert len(built.island()) == n + 400
    built.remove("learnware 7")
    island = built.island()
    assert len(island) == n + 400
    assert not island.present[7]
    rows, members = island.known(np.array([6, 7, 8]))
    assert rows.tolist() == [6, 8]
    assert [member.id for member in members] == ["learnware 6", "learnware 8"]
    built.remove(*(f"learnware {i}" for i in range(8, 407)))
    island = built.island()
    assert island.present.sum() == n
    built.add("new", spec(3000, k=2))
    for i in range(4000, 4000 + n):
        built.add(str(i), spec(i, k=2))
    built.island()
    built.remove(*(str(i) for i in range(4000, 4000 + n)), *(f"learnware {i}" for i in range(5)))
    built.add("newer", spec(3001, k=2))
    assert len(built.island()) == n - 3
    assert built.ids(built.island())[-2:] == ["new", "newer"]


def test_who_has_an_earlier_island_still_sees_what_has_gone_since():
    built = indexed(range(ALL_VOTE + 40), k=2)
    before = built.island()
    built.remove("learnware 7")
    built.add("new", spec(999, k=3))
    after = built.island()
    assert before.present.all()
    assert not after.present[7]
    assert (len(before), len(after)) == (ALL_VOTE + 40, ALL_VOTE + 41)


def test_islands_are_kept_apart_and_empty_ones_forgotten():
    words = Specification(SemanticSpecification(name="c"))
    built = Indexed({"a": spec(0, d=2), "b": spec(1, d=3), "c": words})
    snapshot = built.index.snapshot()
    assert [built.ids(island) for island in snapshot.islands] == [["a"], ["b"], ["c"]]
    assert [built.ids(island) for island in snapshot.islands_for(rkme(2, d=3).space)] == [["b"]]
    built.remove("b", "c")
    snapshot = built.index.snapshot()
    assert [built.ids(island) for island in snapshot.islands] == [["a"]]
    assert snapshot.islands_for(rkme(2, d=3).space) == []
