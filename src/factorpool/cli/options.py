"""Options that several commands share."""

from __future__ import annotations

import click

from factorpool.pool.cpus import usable_cpus


def workers(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    """Rejects `-j` below 1, and tells users of 0 or -1 to leave it out for one worker on each usable CPU."""
    if value is not None and value < 1:
        message = f"{value} workers can do nothing; leave -j out for one on every CPU usable here ({usable_cpus()})"
        raise click.BadParameter(message, ctx, parameter)
    return value
