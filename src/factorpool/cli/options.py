"""Options that several commands share."""

from __future__ import annotations

import click

from factorpool.jobs.places import Share
from factorpool.pool.cpus import usable_cpus


def workers(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    """Rejects `-j` below 1, and tells users of 0 or -1 to leave it out for one worker on each usable CPU."""
    if value is not None and value < 1:
        message = f"{value} workers can do nothing; leave -j out for one on every CPU usable here ({usable_cpus()})"
        raise click.BadParameter(message, ctx, parameter)
    return value


def part(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Share | None:
    """The share that K/N stands for."""
    if value is None:
        return None
    number, slash, count = value.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        message = f"{value!r} is no part: write K/N for part K of N, with K from 1 to N, such as 3/16"
        raise click.BadParameter(message, ctx, parameter)
    return Share(int(number), int(count))
