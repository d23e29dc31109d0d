"""The methods of the C kernel; numbers that are too long for its batches go one by one."""

from __future__ import annotations

from typing import NamedTuple

from factorpool.factoring.methods.flint import Found
from factorpool.factoring.methods.hard import factor_big

CHUNK = 1024
"""First chunk of numbers for the kernel: a millisecond or two of uniform numbers, 30 of the hardest."""


class KernelMethod(NamedTuple):
    """A method that runs in the kernel, for numbers of up to so many 64-bit words."""

    name: str
    summary: str
    words: int
    first_chunk: int = CHUNK
    sieves: bool = False
    costs_known: bool = True

    def factor(self, n: int) -> Found:
        """By ECM and the quadratic sieve."""
        return factor_big(n)


AUTO = KernelMethod("auto", "what is fastest for each number", words=2, sieves=True)
TRIAL = KernelMethod("trial", "trial division up to the square root", words=1, first_chunk=1)
RHO = KernelMethod("rho", "Pollard's rho after trial division", words=1)
ECM = KernelMethod("ecm", "elliptic curves after trial division", words=2)
