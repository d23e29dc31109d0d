"""`factorpool merge`."""

from __future__ import annotations

import click

from factorpool.jobs.merge import merge


@click.command("merge")
@click.argument("output", type=click.Path())
@click.option("--keep", is_flag=True, help="Keep the files of the parts.")
def command(output: str, keep: bool) -> int:
    """Put together the parts of OUTPUT that jobs with --part have written.

    Nothing is written unless all parts are there, whole, and of the same input and options.

    \b
    Examples:
      factorpool factor -i numbers.txt -o factors.txt --part 1/2
      factorpool factor -i numbers.txt -o factors.txt --part 2/2
      factorpool merge factors.txt
    """
    left_out = merge(output, click.echo, keep=keep)
    if left_out:
        click.echo(f"factorpool merge: {left_out} of its values are no numbers, or were given up", err=True)
    return 1 if left_out else 0
