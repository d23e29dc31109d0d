"""What becomes of a chunk that something went wrong with: pure functions, and one budget for every kind of death.

A worker that died takes the items of its chunk that had not come back with it.  They are run again, ever fewer of them
at once, until the item that kills its workers is alone; that one is blamed once its tries are used up, and all others
come through.  The same way the one item that cannot travel is found.
"""

from __future__ import annotations

from typing import NamedTuple

from factorpool.errors import NotPicklableError, WorkerDiedError
from factorpool.pool.protocol import Chunk, Died, Failed

BEGINNINGS = 8
"""Workers killed one after the other before they had begun with a chunk: then the machine is at fault, not an item,
and the run ends."""


PARTS = 8
"""Parts of a chunk of which nobody knows how far its worker came: more mean fewer deaths until one item is found, and
a death may take seconds."""


class Policy(NamedTuple):
    """How often an item alone is tried again after a death, and whether workers send items back one by one.

    `piecewise` is as in the strategy's traits.
    """

    retries: int
    itemwise: bool
    piecewise: bool = True


class Verdict(NamedTuple):
    """The chunks to be run again, and the items that are settled with the error; `fatal` ends the run."""

    again: tuple[Chunk, ...] = ()
    settled: Chunk | None = None
    error: BaseException | None = None
    fatal: bool = False


def after_death(chunk: Chunk, event: Died, policy: Policy) -> Verdict:
    """For the items of a chunk that were still missing when its worker died.

    >>> died = Died(0, exitcode=-9, begun=True)
    >>> after_death(Chunk(0, "abcd"), died, Policy(1, True)).again
    (Chunk(start=0, payload='abcd', careful=True, tries=0, unbegun=0),)
    >>> [part.payload for part in after_death(Chunk(0, "abcd", careful=True), died, Policy(1, True)).again]
    ['a', 'bcd']
    >>> after_death(Chunk(0, "a", careful=True, tries=1), died, Policy(1, True)).settled.payload
    'a'
    """
    died = WorkerDiedError(chunk.start, chunk.start + len(chunk.payload), event.exitcode, event.begun, event.why)
    if not event.begun:
        killed = (event.exitcode or 0) < 0
        if not killed or chunk.unbegun + 1 >= BEGINNINGS:  # one that ends by itself at that stage always would
            return Verdict(error=died, fatal=True)
        return Verdict(again=(chunk._replace(unbegun=chunk.unbegun + 1),))
    if len(chunk.payload) == 1:
        if chunk.tries < policy.retries and not event.repeated:
            return Verdict(again=(chunk._replace(careful=True, tries=chunk.tries + 1),))
        return Verdict(settled=chunk, error=died)
    if not policy.piecewise:
        return Verdict(again=_parts(chunk._replace(careful=True), PARTS))
    if policy.itemwise and chunk.careful:  # it sent back each item: the first that is missing has killed it
        item, rest = chunk.split(1)
        verdict = after_death(item, event, policy)
        return verdict._replace(again=(*verdict.again, rest))
    if policy.itemwise or (policy.retries > 0 and not chunk.careful):
        return Verdict(again=(chunk._replace(careful=True),))
    return Verdict(again=_parts(chunk, 2))


def after_failure(chunk: Chunk, event: Failed) -> Verdict:
    """For items with an error: it is theirs, unless it is about several of which one did not travel.

    >>> [part.payload for part in after_failure(Chunk(0, "abc", True), Failed(0, 3, NotPicklableError(""), 0)).again]
    ['a', 'bc']
    """
    if isinstance(event.error, NotPicklableError) and len(chunk.payload) > 1:
        return Verdict(again=_parts(chunk, 2) if chunk.careful else (chunk._replace(careful=True),))
    return Verdict(settled=chunk, error=event.error)


def _parts(chunk: Chunk, count: int) -> tuple[Chunk, ...]:
    """The chunk in at most so many parts.

    >>> [part.payload for part in _parts(Chunk(0, "abcde"), 2)]
    ['ab', 'cde']
    """
    parts = []
    for left in range(min(count, len(chunk.payload)), 1, -1):
        part, chunk = chunk.split(len(chunk.payload) // left)
        parts.append(part)
    return (*parts, chunk)
