"""The Shapley regressions on paired designs, against their twins and against exact values."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError, NumericalError
from reference import shapley_regression as slow


class Play:
    """Tables of values v_b(S) for B draws, played by a design."""

    def __init__(self, tables, weights, limits, seed=0):
        self.tables, self.w = tables, np.array(weights) / np.sum(weights)
        self.p = tables.shape[1].bit_length() - 1
        self.design = _core.PairedDesign(seed, self.p, np.array(weights, dtype=float))
        for limit in limits:
            self.design.grow(limit)
        masks = self.design.pair_masks(0, self.design.pairs).astype(float)
        draws = self.design.pair_draws(0, self.design.pairs)
        outputs = tables[draws, masks.astype(int) @ (1 << np.arange(self.p))]
        self.S, self.b = masks[::2], draws[::2]
        self.y = np.ascontiguousarray(outputs[::2] - outputs[1::2]) / 2
        self.D = np.ascontiguousarray(tables[:, -1] - tables[:, 0])
        self.e = np.array(
            [self.design.expected(b, s) for b, s in zip(self.b, self.S.sum(axis=1).astype(int), strict=True)]
        )
        self.per_draw = np.array([self.design.pairs_per_draw(b) for b in range(len(self.w))])

    def twin(self, of, *more):
        return of(self.S, self.b, self.e, self.w, self.y, self.D, *more)

    def exact(self):
        return np.tensordot(
            self.w, [_core.exact_shapley(np.ascontiguousarray(table), self.p) for table in self.tables], 1
        )


def random_play(p, B, k, limits, seed=0):
    rng = np.random.default_rng(seed)
    return Play(rng.normal(size=(B, 2**p, k)), rng.exponential(size=B) + 0.2, limits, seed)


def additive_play(p, B, k, limits, seed=0):
    """v_b(S) = c_b + sum over S of beta_j (x_j - background_bj): linear in the contrasts."""
    rng = np.random.default_rng(seed)
    z, beta = rng.normal(size=(B, p)), rng.normal(size=(p, k))
    masks = _core.all_coalitions(p, 0, 2**p).astype(float)
    tables = np.stack([masks @ (z_b[:, None] * beta) + rng.normal(size=k) for z_b in z])
    play = Play(tables, rng.exponential(size=B) + 0.2, limits, seed)
    return play, z, (play.w @ z)[:, None] * beta


def close(found, expected):
    values, variance = expected
    np.testing.assert_allclose(found.values, values, rtol=1e-10, atol=1e-10)
    # The operators of the variance are kept in single precision.
    np.testing.assert_allclose(found.variance, variance, rtol=2e-6, atol=1e-10)


@pytest.mark.parametrize(
    ("p", "B", "k", "limits"),
    [(3, 1, 1, [2]), (6, 1, 2, [20]), (7, 3, 2, [100]), (8, 2, 1, [50, 160]), (9, 1, 3, [200])],
)
def test_by_draw_against_the_twin(p, B, k, limits):
    play = random_play(p, B, k, limits)
    close(_core.ClusterRegression(play.design, True).solve(play.y, play.D), play.twin(slow.by_draw))


@pytest.mark.parametrize(
    ("p", "B", "k", "limits"), [(6, 1, 2, [20]), (7, 5, 2, [40]), (8, 30, 1, [20, 60]), (10, 4, 3, [300])]
)
def test_pooled_against_the_twin(p, B, k, limits):
    play = random_play(p, B, k, limits)
    close(_core.ClusterRegression(play.design, False).solve(play.y, play.D), play.twin(slow.pooled))


@pytest.mark.parametrize(
    ("p", "B", "k", "limits"), [(6, 3, 2, [60]), (7, 20, 2, [100]), (8, 30, 1, [50, 330]), (5, 2, 1, [30])]
)
def test_contrast_against_the_twin(p, B, k, limits):
    play = random_play(p, B, k, limits)
    z = np.random.default_rng(1).normal(size=(B, p))
    found = _core.ContrastRegression(play.design).solve(play.y, play.D, z)
    values, variance = play.twin(slow.contrast, z, play.per_draw)
    np.testing.assert_allclose(found.values, values, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [45, 90, 200])
def test_contrast_against_the_twin_with_a_draw_far_from_all_others(limit, seed):
    """Few pairs play it, or none: its leverage is near 1, or would be."""
    play = random_play(7, 60, 2, [limit], seed)
    z = np.random.default_rng(seed).normal(size=(60, 7))
    z[11] = 40.0 + np.arange(7)
    found = _core.ContrastRegression(play.design).solve(play.y, play.D, z)
    values, variance = play.twin(slow.contrast, z, play.per_draw)
    np.testing.assert_allclose(found.values, values, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("p", "B", "limits"), [(6, 1, [8]), (8, 5, [20]), (9, 30, [27])])
def test_ridge_against_the_twin(p, B, limits):
    play = random_play(p, B, 2, limits)
    np.testing.assert_allclose(
        _core.RidgeRegression(play.design).solve(play.y, play.D), play.twin(slow.shrunk), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("p", [2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("B", [1, 3])
@pytest.mark.parametrize("by_draw", [True, False])
def test_all_pairs_give_the_exact_values(p, B, by_draw):
    play = random_play(p, B, 2, [B * (2 ** (p - 1) - 1)])
    assert play.design.complete
    found = _core.ClusterRegression(play.design, by_draw).solve(play.y, play.D)
    np.testing.assert_allclose(found.values, play.exact(), atol=1e-12)
    assert (found.variance == 0.0).all()


@pytest.mark.parametrize("p", [2, 3, 4, 7])
def test_all_pairs_with_contrasts(p):
    """The fit that moves with the draw needs no exact values, but its mean over enumerated equal draws is one."""
    play = random_play(p, 2, 2, [2 * (2 ** (p - 1) - 1)])
    found = _core.ContrastRegression(play.design).solve(play.y, play.D, np.zeros((2, p)))
    np.testing.assert_allclose(found.values, play.exact(), atol=1e-11)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-20)


def regressions(play, z):
    yield _core.ClusterRegression(play.design, True).solve(play.y, play.D).values
    yield _core.ClusterRegression(play.design, False).solve(play.y, play.D).values
    yield _core.ContrastRegression(play.design).solve(play.y, play.D, z).values
    yield _core.RidgeRegression(play.design).solve(play.y, play.D)


@pytest.mark.parametrize("seed", range(5))
def test_efficiency(seed):
    play = random_play(7, 3, 2, [100], seed)
    z = np.random.default_rng(seed).normal(size=(3, 7))
    for values in regressions(play, z):
        np.testing.assert_allclose(
            values.sum(axis=0), play.w @ play.D, rtol=0, atol=1e-14 * max(1.0, np.abs(play.y).max()) * 7
        )


@pytest.mark.parametrize("seed", range(4))
def test_additive_games_are_exact_by_draw(seed):
    play, _, beta = additive_play(7, 3, 2, [90], seed)
    found = _core.ClusterRegression(play.design, True).solve(play.y, play.D)
    np.testing.assert_allclose(found.values, beta, atol=1e-12)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-24)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("units", [1.0, 1e-8, 1e8])
def test_additive_games_are_exact_with_contrasts(seed, units):
    """Two pairs for each draw are enough, whatever the units of one of the features."""
    play, z, beta = additive_play(7, 40, 2, [80], seed)
    z[:, 3] *= units
    found = _core.ContrastRegression(play.design).solve(play.y, play.D, z)
    np.testing.assert_allclose(found.values, beta, atol=1e-10)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-20)


def test_contrasts_of_zero_and_equal_contrasts_are_no_trouble():
    play, z, _ = additive_play(6, 30, 1, [120])
    z[:, 2] = 0.0
    z[:, 4] = 1.5
    found = _core.ContrastRegression(play.design).solve(play.y, play.D, z)
    values, variance = play.twin(slow.contrast, z, play.per_draw)
    np.testing.assert_allclose(found.values, values, atol=1e-9)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-6, atol=1e-12)


def test_growing_in_stages_gives_the_values_of_one_stage():
    tables = np.random.default_rng(0).normal(size=(2, 2**8, 1))
    found = []
    for limits in ([150], [40, 41, 100, 150]):
        play = Play(tables, [1.0, 2.0], limits)
        found.append(_core.ClusterRegression(play.design, True).solve(play.y, play.D).values)
    assert np.array_equal(*found)


def test_same_bits_for_any_number_of_threads():
    play = random_play(10, 4, 3, [1400])
    z = np.random.default_rng(0).normal(size=(4, 10))
    found = set()
    for threads in (1, 2, 4):
        _core.set_thread_count(threads)
        variances = [
            _core.ClusterRegression(play.design, True).solve(play.y, play.D).variance,
            _core.ClusterRegression(play.design, False).solve(play.y, play.D).variance,
            _core.ContrastRegression(play.design).solve(play.y, play.D, z).variance,
        ]
        found.add(tuple(a.tobytes() for a in (*regressions(play, z), *variances)))
    _core.set_thread_count(0)
    assert len(found) == 1


def test_the_bits_do_not_depend_on_where_the_arrays_lie():
    play = random_play(9, 4, 3, [500])
    z = np.random.default_rng(0).normal(size=(4, 9))

    def moved(array):
        """A copy that starts 8 bytes off the alignment of the allocator."""
        room = np.empty(array.size + 1)
        room[1:] = array.ravel()
        return room[1:].reshape(array.shape)

    before = list(regressions(play, z))
    play.y, play.D = moved(play.y), moved(play.D)
    for one, other in zip(before, regressions(play, moved(z)), strict=True):
        assert np.array_equal(one, other)


def test_standard_errors_cover():
    """On 200 designs of one random game the 95 % intervals hold about 95 % of the exact values."""
    rng = np.random.default_rng(5)
    tables = rng.normal(size=(2, 2**8, 1))
    inside = []
    for seed in range(200):
        play = Play(tables, [1.0, 1.0], [100], seed)
        found = _core.ClusterRegression(play.design, True).solve(play.y, play.D)
        inside.append(np.abs(found.values - play.exact()) < 1.96 * np.sqrt(found.variance))
    assert 0.92 < np.mean(inside) < 0.985


def test_many_players():
    p = 300
    rng = np.random.default_rng(0)
    design = _core.PairedDesign(0, p, np.ones(1))
    design.grow(4 * p)
    beta = rng.normal(size=p)
    outputs = (design.pair_masks(0, design.pairs) @ beta)[:, None]
    y = np.ascontiguousarray(outputs[::2] - outputs[1::2]) / 2
    found = _core.ClusterRegression(design, True).solve(y, beta.sum(keepdims=True)[None])
    np.testing.assert_allclose(found.values[:, 0], beta, atol=1e-10)


def test_too_few_pairs_are_singular():
    play = random_play(8, 2, 1, [6])
    for by_draw in (True, False):
        with pytest.raises(NumericalError, match="singular"):
            _core.ClusterRegression(play.design, by_draw)
    assert np.isfinite(_core.RidgeRegression(play.design).solve(play.y, play.D)).all()


def test_wrong_shapes_are_refused():
    play = random_play(6, 3, 2, [70])
    z = np.zeros((3, 6))
    cluster, contrast, ridge = (
        _core.ClusterRegression(play.design, False),
        _core.ContrastRegression(play.design),
        _core.RidgeRegression(play.design),
    )
    for y, D in [
        (play.y[:-1], play.D),
        (play.y, play.D[:2]),
        (play.y[:, :1].copy(), play.D),
        (play.y, play.D[:, :1].copy()),
    ]:
        for solve in (cluster.solve, ridge.solve, lambda y, D: contrast.solve(y, D, z)):
            with pytest.raises(InputError):
                solve(y, D)
    for wrong in (z[:2], np.zeros((3, 5)), np.full((3, 6), np.nan), np.full((3, 6), np.inf)):
        with pytest.raises(InputError, match="contrasts must be"):
            contrast.solve(play.y, play.D, wrong)
    empty = _core.PairedDesign(0, 6, np.ones(3))
    for make in (
        lambda: _core.ClusterRegression(empty, True),
        lambda: _core.ContrastRegression(empty),
        lambda: _core.RidgeRegression(empty),
    ):
        with pytest.raises(InputError, match="no pair yet"):
            make()
