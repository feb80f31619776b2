"""The parser of the command line: what is misspelt gets a suggestion."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from resdsl.diagnostics.suggest import did_you_mean


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose mistakes are one line, with the word that was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end with exit code 2."""
        word = re.match(r"argument (\S+): invalid choice: '?([^']*?)'? \(choose from (.*)\)$", message)
        if word:
            known = [choice.strip().strip("'") for choice in word[3].split(",")]
            what = "command" if word[1] == "COMMAND" else f"{word[1]}:"
            help = did_you_mean(word[2], known) or f"there are {', '.join(known)}"
            message = (
                f"unknown {what} `{word[2]}`; {help}"
                if word[1] == "COMMAND"
                else (f"{what} there is no `{word[2]}`; {help}")
            )
        message = re.sub(r"^argument (?:-\w/)?(\S+): expected one argument$", r"\1 takes a value", message)
        message = re.sub(r"^argument (\S+): (?=takes )", r"\1 ", message)  # what a type says of its argument
        self.exit(2, f"{self.prog}: {message}\n")

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """What `argparse` does; an option that this command does not know is reported here."""
        found, rest = super().parse_known_args(args, namespace)
        options = [word for word in rest if word.startswith("-") and len(word) > 1]
        if rest and not options:
            self.error(f"there is no place for `{rest[0]}`; `{self.prog} --help` says what it takes")
        if options:
            name = options[0].partition("=")[0]
            help = did_you_mean(name, self._option_string_actions) or f"`{self.prog} --help` lists them"
            self.error(f"unknown option `{name}`; {help}")
        return found, rest
