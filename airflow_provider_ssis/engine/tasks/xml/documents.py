"""XML documents in variables and files, without external entities and without the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.engine.errors import TaskFailure

if TYPE_CHECKING:
    from lxml.etree import _Element


def parse_document(text: str | bytes, what: str, code: int, *, base: str | None = None) -> _Element:
    """Return the root element of an XML document.

    :param text: the document.
    :param what: what it is, for errors: ``The result of the query``.
    :param code: the code of the failure.
    :param base: the path of the file, to which a DTD is relative. Default: none.
    :raises TaskFailure: it is not well-formed.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    data = text.encode("utf-8") if isinstance(text, str) else text
    if isinstance(text, str):
        # A declaration in a text names the encoding of a file that the text is no longer in.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, encoding="utf-8")
    try:
        return etree.fromstring(data, parser, base_url=base)
    except etree.XMLSyntaxError as error:
        raise TaskFailure(f"{what} is no well-formed XML: {error.msg}.", code) from None
