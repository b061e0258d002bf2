"""An option that takes one value is refused when it is given twice, instead of the last one silently winning."""

from typing import Any

import typer


def once(command: Any) -> Any:
    """The command, or group of commands (None for none), with a parser that refuses an option of one value that is given twice.

    Its parsing raises BadParameter.
    """
    if command is None or getattr(command, "takes_options_once", False):
        return command
    command.takes_options_once = True
    make_parser = command.make_parser

    def strict_parser(context: Any) -> Any:
        parser = make_parser(context)
        for option in {*parser._long_opt.values(), *parser._short_opt.values()}:
            if option.action == "store":
                option.process = refusing_twice(option)
        return parser

    command.make_parser = strict_parser
    for one in getattr(command, "commands", {}).values():
        once(one)
    return command


def refusing_twice(option: Any) -> Any:
    """The option's way of taking a value, for the first time only."""
    process = option.process

    def process_once(value: Any, state: Any) -> None:
        if option.dest in state.opts:
            name = max([*option._long_opts, *option._short_opts], key=len)
            raise typer.BadParameter(f"{name} is given more than once, and takes one value")
        process(value, state)

    return process_once
