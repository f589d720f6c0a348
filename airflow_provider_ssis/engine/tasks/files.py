"""Files that tasks read as text."""

from __future__ import annotations

import codecs
from pathlib import Path

from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.errors import TaskFailure

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {0: "utf-8", 65001: "utf-8", 1200: "utf-16-le", 1201: "utf-16-be", 20127: "ascii", 28591: "latin-1"}


def read_bytes(path: Path, missing: int) -> bytes:
    """Return the content of a file.

    :param path: the file.
    :param missing: the code of the failure.
    :raises TaskFailure: the file does not exist, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TaskFailure(f"The file {path} does not exist.{hint_of_case(path)}", missing) from None
    except OSError as error:
        raise TaskFailure(f"The file {path} cannot be read: {error.strerror}.", missing) from None


def read_text(path: Path, code_page: int, missing: int) -> str:
    """Return the text of a file. A byte order mark decides about the encoding.

    :param path: the file.
    :param code_page: the code page of a file without a mark; 0 for UTF-8.
    :param missing: the code of the failure if there is no such file.
    :raises TaskFailure: the file cannot be read, or is not text in the code page.
    """
    data = read_bytes(path, missing)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), _NAMES.get(code_page, f"cp{code_page}"))
    try:
        return data.decode(encoding)
    except LookupError:
        raise TaskFailure(f"The code page {code_page} for the file {path} is not known.", missing) from None
    except UnicodeDecodeError as error:
        raise TaskFailure(
            f"The file {path} is not text in the code page {code_page or 65001}: byte {error.start} does not decode."
            " Set the code page of the task.",
            missing,
        ) from None
