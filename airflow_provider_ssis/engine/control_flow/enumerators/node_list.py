"""The Foreach NodeList enumerator: nodes of an XML document that an XPath expression selects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.files import read_bytes
from airflow_provider_ssis.engine.tasks.xml.documents import document_of, select
from airflow_provider_ssis.project.package.loops import NodeListEnumerator

if TYPE_CHECKING:
    from lxml.etree import _Element

_GET_ENUMERATOR = 0xC0014023
"""DTS_E_GETENUMERATOR."""
_SOURCES = ("FileConnection", "Variable", "DirectInput")
_NODES = ("Navigator", "Node", "NodeText")
_COLLECTION = "ElementCollection"


class NodeListTurns(ForeachEnumerator[NodeListEnumerator]):
    """An iteration for each node. NodeText gives its text; Node and Navigator give the node itself, for a script.

    With ElementCollection, an iteration has a value for each node that the inner expression selects in the outer node.
    """

    def refusals(self) -> Iterator[Refusal]:
        """Yield unknown types."""
        checks = [
            ("type of enumeration", self.data.enumeration_type, (*_NODES, _COLLECTION)),
            ("type of the document's source", self.data.source_type, _SOURCES),
            ("type of the outer expression's source", self.data.outer_xpath_source_type, _SOURCES),
        ]
        if self.data.enumeration_type == _COLLECTION:
            checks += [
                ("type of the inner elements", self.data.inner_element_type, _NODES),
                ("type of the inner expression's source", self.data.inner_xpath_source_type, _SOURCES),
            ]
        for what, value, known in checks:
            if value and value not in known:
                yield Refusal(self.where, f"the {what} {value!r}", f"the types are {', '.join(known)}")

    def turns(self, context: TaskContext) -> Iterator[Sequence[Any]]:
        """Yield the selected nodes of the document as it is when the loop begins."""
        document = self._document(context)
        outer = self._text(context, self.data.outer_xpath_source_type, self.data.outer_xpath)
        selected = select(document, outer, _GET_ENUMERATOR)
        if self.data.enumeration_type != _COLLECTION:
            for node in selected:
                yield (_value(node, self.data.enumeration_type or _NODES[0]),)
            return
        inner = self._text(context, self.data.inner_xpath_source_type, self.data.inner_xpath)
        for node in selected:
            if isinstance(node, str):
                raise TaskFailure(
                    f"The outer expression {outer!r} selects texts, which contain no nodes.", _GET_ENUMERATOR
                )
            kind = self.data.inner_element_type or _NODES[0]
            yield [_value(each, kind) for each in select(node, inner, _GET_ENUMERATOR)]

    def _document(self, context: TaskContext) -> _Element:
        source, kind = self.data.source_document, self.data.source_type or _SOURCES[0]
        if kind == "FileConnection":
            path = context.connections.path(context.connections.get(source).connection_string)
            return document_of(read_bytes(path, _GET_ENUMERATOR), f"The file {path}", _GET_ENUMERATOR)
        if kind == "Variable":
            return document_of(context.read(source), f"The value of the variable {source}", _GET_ENUMERATOR)
        return document_of(source, "The document of the loop", _GET_ENUMERATOR)

    def _text(self, context: TaskContext, kind: str, text: str) -> str:
        if kind == "Variable":
            return str(context.read(text))
        if kind == "FileConnection":
            path = context.connections.path(context.connections.get(text).connection_string)
            return read_bytes(path, _GET_ENUMERATOR).decode("utf-8-sig", errors="replace").strip()
        return text


def _value(node: Any, kind: str) -> Any:
    if kind != "NodeText":
        return node
    return str(node) if isinstance(node, str) else "".join(node.itertext())
