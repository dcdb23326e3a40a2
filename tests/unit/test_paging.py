"""Pages, as AIP-158 describes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_daemon.services.paging import page
from pastiche_daemon.wire import InvalidFieldError


def identity(text: str) -> str:
    return text


@given(
    items=st.sets(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=30
    ),
    size=st.integers(1, 7),
    most_bytes=st.integers(0, 12),
)
def test_the_pages_together_are_everything_in_order(
    items: set[str], size: int, most_bytes: int
) -> None:
    seen: list[str] = []
    token = ""
    while True:
        chosen, token = page(items, identity, size, token, size_of=len, most_bytes=most_bytes)
        assert len(chosen) <= size
        assert len(chosen) <= 1 or sum(map(len, chosen)) <= most_bytes
        seen += chosen
        if not token:
            break
        assert chosen
    assert seen == sorted(items)


def test_pages_stay_right_when_items_come_and_go() -> None:
    first, token = page("abcd", identity, 2, "")
    assert first == ["a", "b"]
    assert page("acce", identity, 9, token) == (["c", "c", "e"], "")


def test_sizes_have_a_default_and_a_limit() -> None:
    many = [f"{number:05d}" for number in range(2000)]
    assert len(page(many, identity, 0, "")[0]) == 50
    assert len(page(many, identity, 1999, "")[0]) == 1000


def test_items_beyond_the_page_are_not_made() -> None:
    made: list[str] = []

    def size_of(item: str) -> int:
        made.append(item)
        return 1

    page("abcdefgh", identity, 2, "", size_of=size_of)
    assert made == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("size", "token", "field"),
    [
        (-1, "", "page_size"),
        (1, "é", "page_token"),
        (1, "?", "page_token"),
        (1, "_w==", "page_token"),
    ],
)
def test_nonsense_is_refused(size: int, token: str, field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        page("abc", identity, size, token)
    assert raised.value.field == field
