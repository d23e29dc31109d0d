"""What is known of a number that was given up."""

from __future__ import annotations


class PartialFactorization(dict[int, int]):
    """The primes that were found, with their exponents, as in a factorization; `composites` has the rest.

    >>> PartialFactorization({3: 2}, {91: 1})
    PartialFactorization({3: 2}, composites={91: 1})
    """

    def __init__(self, primes: dict[int, int], composites: dict[int, int]) -> None:
        super().__init__(primes)
        self.composites = composites

    def __repr__(self) -> str:
        return f"PartialFactorization({super().__repr__()}, composites={self.composites!r})"

    def __eq__(self, other: object) -> bool:
        """No whole factorization equals one that is not."""
        return isinstance(other, PartialFactorization) and (dict(self), self.composites) == (
            dict(other),
            other.composites,
        )

    def __ne__(self, other: object) -> bool:
        """Not the dict's."""
        return not self == other

    __hash__ = None

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self), self.composites)
