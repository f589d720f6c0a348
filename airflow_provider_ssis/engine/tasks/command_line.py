"""Command lines of Windows.

Source: Microsoft Learn, "Parsing C command-line arguments": quotes group, a backslash escapes only a quote.
"""

from __future__ import annotations

import re

_PART = re.compile(r'(?P<slashes>\\*)(?P<quote>"?)')


def split_arguments(text: str) -> list[str]:
    """Return the arguments of a command line as a program of Windows receives them.

    :param text: the command line after the program.
    """
    arguments: list[str] = []
    current: list[str] | None = None
    quoted = False
    position = 0
    while position < len(text):
        character = text[position]
        if character in " \t\r\n" and not quoted:
            if current is not None:
                arguments.append("".join(current))
                current = None
            position += 1
            continue
        current = [] if current is None else current
        part = _PART.match(text, position)
        if part is None or not part[0]:
            current.append(character)
            position += 1
            continue
        slashes, quote = len(part["slashes"]), part["quote"]
        position = part.end()
        if not quote:
            current.append("\\" * slashes)
        else:
            current.append("\\" * (slashes // 2))
            if slashes % 2:
                current.append('"')
            elif quoted and text[position : position + 1] == '"':
                current.append('"')  # a doubled quote inside quotes
                position += 1
            else:
                quoted = not quoted
    if current is not None:
        arguments.append("".join(current))
    return arguments
