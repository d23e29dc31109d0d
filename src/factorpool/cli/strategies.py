"""`factorpool strategies`."""

from __future__ import annotations

import click

from factorpool.pool.cpus import usable_cpus
from factorpool.pool.strategies import elsewhere, strategies


@click.command("strategies")
def command() -> None:
    """List the strategies: where work can run, and why not where it cannot."""
    for info in strategies().values():
        click.echo(f"{info.name:10} {info.description if info.available else f'not available: {info.reason}'}")
    click.echo(f"\n{usable_cpus()} CPUs may be used here.  Beyond this machine, by --strategy, or auto+ before it:\n")
    for info in elsewhere().values():
        click.echo(f"{info.name:24} {info.description if info.available else f'not available: {info.reason}'}")
