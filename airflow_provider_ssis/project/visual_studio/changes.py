"""The changes of a build: protection, parameter values, and version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.manifest.properties import PropertyList
from airflow_provider_ssis.project.namespaces import SSIS
from airflow_provider_ssis.project.protection.encryption import PasswordProtection

if TYPE_CHECKING:
    from lxml.etree import _Element

_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Version:
    """The version of a project.

    :param build: Default: None, unchanged.
    """

    major: int
    minor: int
    build: int | None = None

    @classmethod
    def of(cls, text: str) -> Version:
        """Return the version of a text: ``2.1`` or ``2.1.340``.

        :raises ValueError: it is another text.
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a version like 2.1 or 2.1.340")
        return cls(int(match[1]), int(match[2]), None if match[3] is None else int(match[3]))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a build changes.

    :param password: the password of the source; not part of the ``repr``. Default: None.
    :param protection: the new protection with a password. Default: None, that of the source.
    :param values: values of parameters by name, ``Project::Region`` or ``Load::BatchSize``; not part of the ``repr``.
        Sensitive parameters need a protection with a password. Default: none.
    :param version: the version of the project. Default: None, unchanged.
    :param version_comments: the comments on the version. Default: None, unchanged.
    """

    password: str | None = field(default=None, repr=False)
    protection: PasswordProtection | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    version: Version | None = None
    version_comments: str | None = None


NO_CHANGES = Changes()


def apply_version(changes: Changes, manifest: _Element, part: str) -> None:
    """Write the version and its comments into a manifest.

    :param changes: the changes.
    :param manifest: the element ``SSIS:Project``; changed in place.
    :param part: the file that contains it, for errors.
    :raises BuildError: the comments contain characters that XML cannot contain.
    """
    texts: dict[str, str] = {}
    if changes.version is not None:
        texts = {"VersionMajor": str(changes.version.major), "VersionMinor": str(changes.version.minor)}
        if changes.version.build is not None:
            texts["VersionBuild"] = str(changes.version.build)
    if changes.version_comments is not None:
        texts["VersionComments"] = changes.version_comments
    properties = PropertyList.of(manifest, part, "project").elements
    for name, text in texts.items():
        element = properties.get(name)
        if element is None:
            element = etree.Element(f"{SSIS}Property", {f"{SSIS}Name": name})
            properties["Name"].addnext(element)
        try:
            element.text = text
        except ValueError:
            raise BuildError(f"the new {name} contains control characters", part=part) from None
