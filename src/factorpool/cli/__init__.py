"""The command line: one module a command, imported when it is called."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

import click

from factorpool import _native
from factorpool.errors import FactorpoolError, OptionError

COMMANDS = {
    "factor": "Factor integers: arguments, files, or standard input.",
    "merge": "Put together what jobs with --part have written.",
    "jobs": "List the jobs that were interrupted.",
    "bench": "Measure which strategy is fastest here, and draw the chart.",
    "strategies": "List the strategies, and why one is not available.",
}


class Commands(click.Group):
    """The commands by name; the module of one is imported only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in order of importance."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command called `name`."""
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"factorpool.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; if there is none, one that is called nearly so is suggested."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # here: only for an error

            if near := get_close_matches(args[0], COMMANDS, 1):
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", error.ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's list, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="factorpool")
def cli() -> None:
    """Factor integers in bulk on every core, and measure which way of running in parallel is fastest.

    \b
    Examples:
      factorpool factor 360 97
      factorpool factor < numbers.txt > factors.txt
      factorpool bench
    """


def main() -> None:
    """Runs a command.  An error is one line on standard error; exit status 1, 2 for wrong usage, 130 for Ctrl-C."""
    sys.set_int_max_str_digits(0)  # the limit is ours, and reported with a position
    if sys.stdin is None:  # it is closed: nothing else may get its number, and be taken for it
        os.open(os.devnull, os.O_RDONLY)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _native.exit_on_sigint(reading)
    try:
        if sys.stdout is None:
            raise click.ClickException("standard output is closed")
        sys.exit(cli.main(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OptionError as error:
        click.echo(f"factorpool: {error}", err=True)
        sys.exit(2)
    except (FactorpoolError, OSError) as error:
        click.echo(f"factorpool: {error}", err=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
