"""Path-dependent values of trees leaf by leaf, in fractions and in polynomial time: the integral in the open.

Per leaf of value w the players on its path have r_j, the product of the shares of cover on their edges, and o_j,
whether x takes them all; phi_i = w * integral over p in (0, 1) of (o_i - r_i) prod_{j != i} ((1 - p) r_j + p o_j).
"""

from __future__ import annotations

from fractions import Fraction

from reference.forests import goes_left, share


def leaf_paths(tree, x, player_of, **rules):
    """[(values, {player: (r, o)})] of the leaves."""
    done, open_paths = [], [(0, {})]
    while open_paths:
        at, path = open_paths.pop()
        node = tree[at]
        if "values" in node:
            done.append((node["values"], path))
            continue
        player = player_of[node["feature"]]
        left = goes_left(node, x[node["feature"]], **rules)
        for side in ("left", "right"):
            r, o = path.get(player, (Fraction(1), 1))
            taken = o * int(left == (side == "left"))
            open_paths.append((node[side], {**path, player: (r * share(tree, node, side), taken)}))
    return done


def times(polynomial, r, o):
    """Coefficients of the product with r + (o - r) p."""
    longer = [r * c for c in polynomial] + [Fraction(0)]
    for k, c in enumerate(polynomial):
        longer[k + 1] += (o - r) * c
    return longer


def without(polynomial, r, o):
    """The polynomial over its factor r + (o - r) p; r is not 0."""
    shorter = []
    for c in polynomial[:-1]:
        shorter.append((c - (o - r) * (shorter[-1] if shorter else 0)) / r)
    return shorter


def integral(polynomial):
    return sum((c / (k + 1) for k, c in enumerate(polynomial)), Fraction(0))


def path_values(trees, x, player_of, players, *, outputs=1, tree_outputs=None, **rules):
    """[players][outputs]"""
    phi = [[Fraction(0)] * outputs for _ in range(players)]
    for t, tree in enumerate(trees):
        for values, path in leaf_paths(tree, x, player_of, **rules):
            whole = [Fraction(1)]
            for r, o in path.values():
                whole = times(whole, r, o)
            for i, (r, o) in path.items():
                part = (o - r) * integral(without(whole, r, o))
                for j, value in enumerate(values):
                    phi[i][j if tree_outputs is None else tree_outputs[t]] += Fraction(value) * part
    return phi


def path_interactions(trees, x, player_of, players, **rules):
    """[players][players] of one output: both players leave their factors."""
    index = [[Fraction(0)] * players for _ in range(players)]
    for tree in trees:
        for (value,), path in leaf_paths(tree, x, player_of, **rules):
            whole = [Fraction(1)]
            for r, o in path.values():
                whole = times(whole, r, o)
            for i, (r, o) in path.items():
                rest = without(whole, r, o)
                for j, (s, q) in path.items():
                    if i != j:
                        index[i][j] += Fraction(value) * (o - r) * (q - s) * integral(without(rest, s, q))
    return index
