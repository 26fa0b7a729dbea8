"""The Shapley regressions on paired designs, against their twins and against exact values."""

import numpy as np
import pytest
from pellucid import _core
from pellucid.errors import InputError, NumericalError
from reference import shapley_regression as slow


class Play:
    """Tables of values v_b(S) for B draws, played by a design."""

    def __init__(self, tables, weights, limits, seed=0, active=None):
        self.tables, self.w = tables, np.array(weights) / np.sum(weights)
        self.p = tables.shape[1].bit_length() - 1
        players = self.p if active is None else active.astype(np.uint8)
        self.design = _core.PairedDesign(seed, players, np.array(weights, dtype=float))
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


def scaled(z):
    size = np.abs(z).max(axis=0)
    return z / np.where(size > 0, size, 1.0)


def close_to_mixed(play, z, active=None):
    """Values, both variances and the choice of lambda, output by output; returns the lambdas."""
    active = np.ones((len(play.w), play.p), bool) if active is None else active
    found = _core.MixedRegression(play.design, True).solve(play.y, play.D, z)
    moving = _core.MixedRegression(play.design, False).solve(play.y, play.D, z)
    grid = [10.0 ** (step / 2 - 8) for step in range(8, 25)]
    for o in range(play.y.shape[1]):
        y, D = play.y[:, o : o + 1], play.D[:, o : o + 1]

        def twin(lam, y=y, D=D):
            return slow.mixed(play.S, play.b, play.e, play.w, y, D, scaled(z), play.per_draw, active, lam)

        for fit, expected in [(found, twin(found.shrinkage[o])), (moving, twin(np.inf))]:
            for name, array in zip(("values", "variance", "background_variance"), expected, strict=False):
                np.testing.assert_allclose(getattr(fit, name)[:, o], array, rtol=1e-5, atol=1e-8, err_msg=name)
        fits = [twin(lam)[3:] for lam in grid]
        allowed = [fit for fit in fits if fit[1] <= 0.75 * play.design.pairs] or fits[-1:]
        chosen = twin(found.shrinkage[o])[3:]
        assert chosen[1] <= 0.75 * play.design.pairs + 1e-9 or found.shrinkage[o] == pytest.approx(1e4)
        # The search halves its steps, so it finds a valley, not the bottom of every one of several.
        assert chosen[0] <= min(fit[0] for fit in allowed) + 0.5
    return found.shrinkage


def product_play(p, B, k, limits, seed=0, size=1.0, active=None):
    """v_b(S) = f(x in S, b elsewhere) for a model with products, so that draws have something of their own."""
    rng = np.random.default_rng(seed)
    background, x = rng.normal(size=(B, p)), rng.normal(size=p)
    if active is not None:
        background = np.where(active, background, x)
    main, pairs = rng.normal(size=(p, k)), size * rng.normal(size=(p, p, k))
    masks = _core.all_coalitions(p, 0, 2**p).astype(bool)
    rows = np.where(masks[None], x, background[:, None])
    triple = size * rows[..., :1] * rows[..., 1:2] * rows[..., 2:3] * (1.0 + rows[..., 4:5])
    tables = rows @ main + np.einsum("bsi,bsj,ijk->bsk", rows, rows, pairs) + triple
    return Play(tables, rng.exponential(size=B) + 0.2, limits, seed, active), x - background


@pytest.mark.parametrize(
    ("p", "B", "k", "limits"),
    [(6, 3, 2, [60]), (7, 20, 2, [100]), (8, 30, 1, [50, 330]), (6, 2, 1, [50]), (7, 40, 2, [40])],
)
@pytest.mark.parametrize("size", [0.1, 1.0])
def test_mixed_against_the_twin(p, B, k, limits, size):
    close_to_mixed(*product_play(p, B, k, limits, size=size))


def test_mixed_chooses_lambda_by_what_the_draws_have_of_their_own():
    """White noise says nothing of a draw beyond its pairs; additive games of their own are told without noise."""
    noise, z = random_play(7, 20, 1, [300]), np.random.default_rng(1).normal(size=(20, 7))
    assert _core.MixedRegression(noise.design, True).solve(noise.y, noise.D, z).shrinkage[0] > 10.0
    masks = _core.all_coalitions(7, 0, 2**7).astype(float)
    additive = Play(masks @ np.random.default_rng(2).normal(size=(20, 7, 1)), np.ones(20), [300])
    found = _core.MixedRegression(additive.design, True).solve(additive.y, additive.D, z)
    assert found.shrinkage[0] < 1e-6
    np.testing.assert_allclose(found.values, additive.exact(), atol=1e-6)


@pytest.mark.parametrize("contrasts", [True, False])
def test_mixed_without_contrasts_has_one_shared_block(contrasts):
    play, z = product_play(6, 12, 2, [120])
    z = z if contrasts else np.zeros((12, 0))
    found = _core.MixedRegression(play.design, True).solve(play.y, play.D, z)
    twin = slow.mixed(
        play.S, play.b, play.e, play.w, play.y[:, :1], play.D[:, :1], scaled(z) if contrasts else np.zeros((12, 6)),
        play.per_draw, np.ones((12, 6), bool), found.shrinkage[0],
    )  # fmt: skip
    np.testing.assert_allclose(found.values[:, 0], twin[0], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.variance[:, 0], twin[1], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [60, 200])
def test_mixed_with_null_players_against_the_twin(limit, seed):
    active = np.random.default_rng(seed).random((25, 7)) > 0.4
    active[0], active[1] = False, np.arange(7) == 2
    play, z = product_play(7, 25, 2, [limit], seed, active=active)
    close_to_mixed(play, z, active)
    found = _core.MixedRegression(play.design, True).solve(play.y, play.D, z)
    np.testing.assert_allclose(found.values.sum(axis=0), play.w @ play.D, atol=1e-12 * np.abs(play.D).max())


def test_a_player_who_is_null_everywhere_gets_nothing():
    active = np.ones((6, 6), bool)
    active[:, 3] = False
    play, z = product_play(6, 6, 1, [60], active=active)
    found = _core.MixedRegression(play.design, True).solve(play.y, play.D, z)
    assert found.values[3] == found.variance[3] == 0.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [45, 90, 200])
def test_mixed_against_the_twin_with_a_draw_far_from_all_others(limit, seed):
    """Few pairs play it, or none: its leverage is near 1, or would be."""
    play = random_play(7, 60, 2, [limit], seed)
    z = np.random.default_rng(seed).normal(size=(60, 7))
    z[11] = 40.0 + np.arange(7)
    close_to_mixed(play, z)


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
@pytest.mark.parametrize("shrink", [True, False])
def test_all_pairs_with_contrasts(p, shrink):
    """The mean over enumerated draws is exact, whatever the draws share."""
    play = random_play(p, 2, 2, [2 * (2 ** (p - 1) - 1)])
    found = _core.MixedRegression(play.design, shrink).solve(play.y, play.D, np.zeros((2, p)))
    if shrink:
        np.testing.assert_allclose(found.values, play.exact(), atol=1e-11)
    np.testing.assert_allclose(found.variance, 0.0, atol=1e-20)


def test_a_draw_of_which_every_pair_was_played_is_exact():
    active = np.ones((4, 9), bool)
    active[:2, 3:] = False  # three players each: 3 pairs
    play, z = product_play(9, 4, 1, [120], active=active)
    found = _core.MixedRegression(play.design, True).solve(play.y, play.D, z)
    assert not play.design.complete
    alone = found.variance.ravel()
    assert (alone > 0).all()
    # Without the open draws nothing is left to be estimated.
    few, z = product_play(9, 4, 1, [100], active=np.repeat(active[:1], 4, axis=0))
    found = _core.MixedRegression(few.design, True).solve(few.y, few.D, z)
    np.testing.assert_allclose(found.values, few.exact(), atol=1e-12)
    assert (found.variance == 0.0).all()


def regressions(play, z):
    yield _core.ClusterRegression(play.design, True).solve(play.y, play.D).values
    yield _core.ClusterRegression(play.design, False).solve(play.y, play.D).values
    yield _core.MixedRegression(play.design, True).solve(play.y, play.D, z).values
    yield _core.MixedRegression(play.design, False).solve(play.y, play.D, z).values
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
    for shrink in (True, False):
        found = _core.MixedRegression(play.design, shrink).solve(play.y, play.D, z)
        np.testing.assert_allclose(found.values, beta, atol=1e-10)
        np.testing.assert_allclose(found.variance, 0.0, atol=1e-20)


def test_contrasts_of_zero_and_equal_contrasts_are_no_trouble():
    play, z = product_play(6, 30, 1, [120])
    z[:, 2] = 0.0
    z[:, 4] = 1.5
    close_to_mixed(play, z)


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
            _core.MixedRegression(play.design, True).solve(play.y, play.D, z).variance,
            _core.MixedRegression(play.design, False).solve(play.y, play.D, z).variance,
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
    cluster, mixed, ridge = (
        _core.ClusterRegression(play.design, False),
        _core.MixedRegression(play.design, True),
        _core.RidgeRegression(play.design),
    )
    for y, D in [
        (play.y[:-1], play.D),
        (play.y, play.D[:2]),
        (play.y[:, :1].copy(), play.D),
        (play.y, play.D[:, :1].copy()),
    ]:
        for solve in (cluster.solve, ridge.solve, lambda y, D: mixed.solve(y, D, z)):
            with pytest.raises(InputError):
                solve(y, D)
    for wrong in (z[:2], np.zeros((3, 5)), np.full((3, 6), np.nan), np.full((3, 6), np.inf)):
        with pytest.raises(InputError, match="contrasts must be"):
            mixed.solve(play.y, play.D, wrong)
    empty = _core.PairedDesign(0, 6, np.ones(3))
    for make in (
        lambda: _core.ClusterRegression(empty, True),
        lambda: _core.MixedRegression(empty, True),
        lambda: _core.RidgeRegression(empty),
    ):
        with pytest.raises(InputError, match="no pair yet"):
            make()


def test_the_regressions_of_one_design_for_all_refuse_null_players():
    active = np.ones((3, 6), dtype=np.uint8)
    active[1, 2] = 0
    design = _core.PairedDesign(0, active, np.ones(3))
    design.grow(60)
    for make in (lambda: _core.ClusterRegression(design, True), lambda: _core.RidgeRegression(design)):
        with pytest.raises(InputError, match="null players"):
            make()


def test_the_background_variance_is_that_of_a_mean():
    play = random_play(4, 9, 2, [9 * 7])
    by_draw = _core.ClusterRegression(play.design, True).solve(play.y, play.D)
    each = np.array([_core.exact_shapley(np.ascontiguousarray(table), 4) for table in play.tables])
    expected = np.tensordot(play.w**2, (each - play.exact()) ** 2, 1) / (1 - play.w @ play.w)
    np.testing.assert_allclose(by_draw.background_variance, expected, rtol=1e-10)
    single = random_play(4, 1, 2, [7])
    assert np.isnan(_core.ClusterRegression(single.design, True).solve(single.y, single.D).background_variance).all()
