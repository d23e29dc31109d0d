"""How a number is factored: one file a method, or for those of the kernel one file of C each, and the registry of them.

To add one, add its file here, or its C file in `native/` and its line in `kernel.py`, and name it in METHODS.
"""

from __future__ import annotations

from typing import Protocol

from factorpool.factoring.methods.flint import Found
from factorpool.factoring.methods.kernel import AUTO, ECM, RHO, TRIAL
from factorpool.factoring.methods.naive import NAIVE


class Method(Protocol):
    """A way to factor numbers; a value."""

    @property
    def name(self) -> str:
        """What users call it."""

    @property
    def summary(self) -> str:
        """What it does, in a few words."""

    @property
    def words(self) -> int:
        """The kernel takes numbers of up to so many 64-bit words, under the method's name; 0: none."""

    @property
    def first_chunk(self) -> int:
        """How many numbers a worker gets at once before their costs are known."""

    @property
    def sieves(self) -> bool:
        """Whether ranges are sieved instead of factored one by one."""

    @property
    def costs_known(self) -> bool:
        """Whether it is known where it runs best; if not, that is measured."""

    def factor(self, n: int) -> Found:
        """Factors one number that is too long for the kernel, as far as that is quick."""


METHODS: dict[str, Method] = {method.name: method for method in (AUTO, TRIAL, RHO, ECM, NAIVE)}
