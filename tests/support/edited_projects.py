"""Project files in which the text of a part is replaced, for content that the models do not have."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping


def edited(ispac: bytes, part: str, replacements: Mapping[str, str]) -> bytes:
    """A project file with other text in one of its parts.

    :param replacements: the new text by the old one, which must occur.
    """

    def change(text: str) -> str:
        for old, new in replacements.items():
            if old not in text:
                raise ValueError(f"{part} does not contain {old!r}")
            text = text.replace(old, new)
        return text

    return _changed(ispac, part, change)


def with_part(ispac: bytes, part: str, text: str) -> bytes:
    """A project file with another text as one of its parts."""
    return _changed(ispac, part, lambda _: text)


def _changed(ispac: bytes, part: str, change: Callable[[str], str]) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ispac)) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == part:
                content = change(content.decode()).encode()
            target.writestr(name, content)
    return result.getvalue()
