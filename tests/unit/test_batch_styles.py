"""Which style a picture of a batch gets."""

from __future__ import annotations

from collections import Counter

import click
import pytest

from pastiche_client.results import Style
from pastiche_daemon.cli.batch_styles import Assignment, StyleChooser, chooser

A, B, C = (f"packs/p/styles/{letter}" for letter in "abc")


def known() -> list[Style]:
    names = ["packs/p/styles/a", "packs/p/styles/b", "packs/q/styles/c"]
    return [Style(name, "", "", "", b"", "") for name in names]


def choose(assignment: Assignment, *arguments: str, seed: int = 0) -> StyleChooser:
    return chooser(arguments, assignment, seed, known())


def test_a_mix_is_the_same_for_all():
    (found,) = choose("mix", "a:0.7", "b:0.3").of("photo.png")
    assert found.styles == {A: 0.7, B: 0.3}
    assert found.label == ""


def test_each_gives_one_result_a_style_even_of_several_packs():
    found = choose("each", "a", "q/c").of("photo.png")
    assert [(dict(one.styles), one.label) for one in found] == [
        ({A: 1.0}, "a"),
        ({"packs/q/styles/c": 1.0}, "c"),
    ]


def test_random_draws_by_the_shares_and_depends_on_name_and_seed_alone():
    drawn = choose("random", "a:3", "b:1", seed=5)
    counts = Counter(next(iter(drawn.of(f"{number}.png")[0].styles)) for number in range(2000))
    assert counts[A] / 2000 == pytest.approx(0.75, abs=0.04)
    assert drawn.of("1.png") == choose("random", "a:3", "b:1", seed=5).of("1.png")
    other = choose("random", "a:3", "b:1", seed=6)
    assert any(drawn.of(f"{n}.png") != other.of(f"{n}.png") for n in range(50))


def test_random_mixes_are_spread_over_all_mixes():
    drawn = choose("random-mix", "p/*")
    shares = [drawn.of(f"{number}.png")[0].styles[A] for number in range(2000)]
    assert sum(shares) / 2000 == pytest.approx(0.5, abs=0.03)
    # Of two, a flat Dirichlet distribution is the uniform one.
    assert sum(share < 0.25 for share in shares) / 2000 == pytest.approx(0.25, abs=0.04)
    for number in range(20):
        assert sum(drawn.of(f"{number}.png")[0].styles.values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("assignment", "arguments", "message"),
    [
        ("mix", ["a", "q/c"], "only styles of one pack"),
        ("random-mix", ["a", "q/c"], "only styles of one pack"),
        ("each", ["a", "p/a"], "given twice"),
        ("random", ["nothing"], "there is no style"),
        ("random", ["r/*"], "there is no pack 'r'"),
    ],
)
def test_styles_that_cannot_be_used_are_refused(assignment, arguments, message):
    with pytest.raises(click.UsageError, match=message):
        choose(assignment, *arguments)
