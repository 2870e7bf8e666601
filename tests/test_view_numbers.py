"""Numbers as text."""

from __future__ import annotations

import pytest
import torch

from convdocs.view import numbers


@pytest.mark.parametrize("value", [0.63451, -1.5, 0.0009, 3.25, 99999.5])
def test_a_number_is_written_as_torch_prints_it(value: float):
    assert (
        f"tensor([{numbers.plain(value)}])"
        == str(torch.tensor([value], dtype=torch.float64))[:-22] + ")"
    )


def test_numbers_side_by_side_look_alike():
    assert numbers.places_for([0.5, 2.0]) == 4
    assert numbers.places_for([1.0, float("inf")]) == 0
    assert numbers.places_for([1j, 2.0]) == 4
    assert [numbers.number(value, 4) for value in (0.5, -0.00001)] == ["0.5000", "0.0000"]
    assert numbers.number(1e-5, numbers.places_for([1e-5])) == "1.0e-5"
    assert numbers.number(-123456.0, numbers.places_for([-123456.0], digits=4)) == "-1.2346e5"
    assert [numbers.plain(value) for value in (float("nan"), float("-inf"), -3)] == [
        "nan", "-∞", "-3",
    ]  # fmt: skip


def test_counts_shares_and_bytes():
    assert [numbers.count(1234), numbers.count(0), numbers.count(7, whole=False)] == [
        "1,234", "–", "≥ 7",
    ]  # fmt: skip
    assert [numbers.millions(n) for n in (1_234_567_890, 2_000, 0)] == ["1,234.6", "< 0.1", "–"]
    assert [numbers.share(*pair) for pair in ((1, 3), (1, 10_000), (0, 3))] == [
        "33.3 %", "< 0.1 %", "–",
    ]  # fmt: skip
    assert [numbers.byte_size(n) for n in (999, 13_500, 999_600, 2 * 10**12)] == [
        "999 B", "13.5 kB", "1 MB", "2 TB",
    ]  # fmt: skip


def test_bytes_are_read_with_their_unit():
    assert [numbers.byte_count(text) for text in ("8GB", "1.5 KiB", "100", "24gib")] == [
        8e9, 1536, 100, 24 * 2**30,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="much is no number of bytes, as 8GB or 24GiB"):
        numbers.byte_count("much")
