"""Character Map: maps letters to upper or lower case, to other scripts and widths."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.conversions.conversions import fitted
from airflow_provider_ssis.engine.data_flow.row_errors import TRUNCATED_ROW, ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import reference_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.text import map_case
from airflow_provider_ssis.project.package.data_flow import InputColumn, OutputColumn

LOWER, UPPER, BYTE_REVERSAL = 0x100, 0x200, 0x800
HIRAGANA, KATAKANA, HALF_WIDTH, FULL_WIDTH = 0x100000, 0x200000, 0x400000, 0x800000
LINGUISTIC, SIMPLIFIED, TRADITIONAL = 0x01000000, 0x02000000, 0x04000000
_SUPPORTED = LOWER | UPPER | BYTE_REVERSAL | HIRAGANA | KATAKANA | HALF_WIDTH | FULL_WIDTH | LINGUISTIC
_NAMES = {
    LOWER: "lower case",
    UPPER: "upper case",
    BYTE_REVERSAL: "byte reversal",
    HIRAGANA: "hiragana",
    KATAKANA: "katakana",
    HALF_WIDTH: "half width",
    FULL_WIDTH: "full width",
    SIMPLIFIED: "simplified Chinese",
    TRADITIONAL: "traditional Chinese",
}
_CASE, _JAPANESE = LOWER | UPPER, HIRAGANA | KATAKANA | HALF_WIDTH | FULL_WIDTH
_EXCLUSIVE = (_CASE, HIRAGANA | KATAKANA, HALF_WIDTH | FULL_WIDTH)
"""Mappings of which a column has at most one. Source: Microsoft Learn, "Character Map Transformation"."""
_UNEXPECTED = 0xC0047062
"""DTS_E_MANAGEDCOMPONENT: the code of limits that only this engine has."""
_TURKIC = frozenset({1055, 1068, 2092})
_FIRST_HIRAGANA, _LAST_HIRAGANA, _KANA_DISTANCE = 0x3041, 0x3096, 0x60
_FIRST_FULL, _LAST_FULL, _WIDTH_DISTANCE = 0xFF01, 0xFF5E, 0xFEE0
_TO_FULL = {0x20: 0x3000} | {code - _WIDTH_DISTANCE: code for code in range(_FIRST_FULL, _LAST_FULL + 1)}
_TO_HALF = {full: half for half, full in _TO_FULL.items()}
_TO_KATAKANA = {code: code + _KANA_DISTANCE for code in range(_FIRST_HIRAGANA, _LAST_HIRAGANA + 1)}
_TO_HIRAGANA = {katakana: hiragana for hiragana, katakana in _TO_KATAKANA.items()}
_HALF_KATAKANA = [chr(code) for code in range(0xFF61, 0xFFA0)]
_HALF_OF_FULL = {unicodedata.normalize("NFKC", half): half for half in _HALF_KATAKANA}
_VOICED = {0x3099: "\uff9e", 0x309A: "\uff9f"}


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A column that is mapped.

    :param target: the lineage id of the column that gets the text.
    :param source: the lineage id of the column that is mapped.
    """

    stored: InputColumn | OutputColumn
    name: str
    target: str
    source: str
    source_type: ColumnType
    type: ColumnType
    flags: int


class CharacterMap(RowComponent):
    """Character Map."""

    classes: ClassVar[tuple[str, ...]] = ("CharacterMap",)
    parts: ClassVar[StoredParts] = StoredParts(
        {INPUT_COLUMN: frozenset({"MapFlags"}), OUTPUT_COLUMN: frozenset({"InputColumnLineageID", "MapFlags"})},
        dispositions=frozenset({INPUT_COLUMN, OUTPUT_COLUMN}),
    )

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._columns = list(_mapped(plan))
        self._rows = 0

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and mappings that need tables of Windows."""
        yield from unknown_properties(plan, ())
        for column in _mapped(plan):
            what = f"the column {column.name!r}"
            missing = column.flags & ~_SUPPORTED
            if missing or not column.flags:
                named = (
                    ", ".join(name for bit, name in _NAMES.items() if missing & bit) or f"MapFlags {column.flags:#x}"
                )
                yield Refusal(plan.path, what, f"the mapping {named} is not supported", "Map it in a Script component.")
            elif _excludes_each_other(column.flags):
                named = " and ".join(name for bit, name in _NAMES.items() if column.flags & bit)
                yield Refusal(plan.path, what, f"the mappings {named} exclude each other", "Choose one of them.")
            elif column.flags & BYTE_REVERSAL and column.type.code is not DataTypeCode.DT_WSTR:
                yield Refusal(plan.path, what, "bytes are reversed in DT_WSTR only", "Convert it to DT_WSTR before.")
            if column.flags & LINGUISTIC and plan.locale_id in _TURKIC:
                why = f"linguistic case of the locale {plan.locale_id} is not supported"
                yield Refusal(plan.path, what, why, "Map it in a Script component.")
            if column.type.code not in STRINGS:
                yield Refusal(plan.path, what, f"its type {column.type} is not DT_STR or DT_WSTR")

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Map the columns."""
        values: dict[str, pa.Array] = {}
        errors: list[ColumnErrors] = []
        for column in self._columns:
            texts = _map(batch.column(column.source), column.flags)
            fit = fitted(texts, ColumnType(column.type.code, length=2**31 - 1), column.type)
            values[column.target] = fit.values
            if fit.statuses is not None:
                codes = pc.if_else(pa.array(fit.statuses != 0), TRUNCATED_ROW, 0).cast(pa.uint32()).to_numpy()
                disposition = column.stored.truncation_disposition
                errors.append(ColumnErrors(codes, True, disposition, column.target, f'the column "{column.name}"'))
        found = apply_dispositions(self.plan, batch, errors, self._rows + 1)
        self._rows += batch.num_rows
        output = self.plan.main_output.key
        schema = self.plan.outputs[output].arrow
        arrays = [values[name] if name in values else batch.column(name) for name in schema.names]
        result = pa.RecordBatch.from_arrays(arrays, schema=schema)
        yield output, result if found.kept is None else result.filter(pa.array(found.kept))
        error_output = self.plan.error_output
        if found.redirected is not None and error_output is not None:
            yield error_output.key, found.redirected


def _mapped(plan: ComponentPlan) -> Iterator[_Mapped]:
    schema = next(iter(plan.inputs.values()), None)
    if schema is None:
        return
    known = schema.by_lineage
    for one in plan.stored.inputs:
        for column in one.columns:
            found = known.get(column.lineage_id)
            if column.usage == "readWrite" and found is not None:
                flags = _flags(text_of(column.properties, "MapFlags"))
                yield _Mapped(column, found.name, found.lineage_id, found.lineage_id, found.type, found.type, flags)
    output = plan.main_output
    own = plan.outputs[output.key].by_lineage
    for added in output.columns:
        source = reference_of(added.properties, "InputColumnLineageID")
        if source in known:
            target = own[added.lineage_id or added.key]
            flags = _flags(text_of(added.properties, "MapFlags"))
            yield _Mapped(added, target.name, target.lineage_id, source, known[source].type, target.type, flags)


def _excludes_each_other(flags: int) -> bool:
    """Whether mappings cannot be combined; how byte reversal is combined with others is not documented."""
    has_both = any(flags & group == group for group in _EXCLUSIVE)
    return (
        has_both or bool(flags & _CASE and flags & _JAPANESE) or bool(flags & BYTE_REVERSAL and flags != BYTE_REVERSAL)
    )


def _reversed(text: str) -> str:
    """Text with the bytes of each UTF-16 unit in the other order."""
    try:
        return text.encode("utf-16-le").decode("utf-16-be")
    except UnicodeDecodeError:
        raise TaskFailure(
            "A text with reversed bytes is not Unicode text, and the engine cannot keep it. Reverse bytes in a Script "
            "component.",
            _UNEXPECTED,
        ) from None


def _flags(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0


def _map(texts: pa.StringArray, flags: int) -> pa.StringArray:
    if not flags & ~(LOWER | UPPER | LINGUISTIC) and pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        mapped = pc.ascii_lower(texts) if flags & LOWER else texts
        return pc.ascii_upper(mapped) if flags & UPPER else mapped
    steps = [step for bit, step in _STEPS if flags & bit]
    encoded = texts.dictionary_encode()
    mapped_texts = []
    for text in encoded.dictionary.to_pylist():
        for step in steps:
            text = step(text)
        mapped_texts.append(text)
    return pa.array(mapped_texts, pa.string()).take(encoded.indices)


def _full_width(text: str) -> str:
    return unicodedata.normalize("NFC", "".join(_full(character) for character in text))


def _full(character: str) -> str:
    if "\uff61" <= character <= "\uff9f":
        return unicodedata.normalize("NFKC", character)
    return chr(_TO_FULL.get(ord(character), ord(character)))


def _half_width(text: str) -> str:
    return "".join(_half(character) for character in text)


def _half(character: str) -> str:
    code = ord(character)
    if code in _TO_HALF:
        return chr(_TO_HALF[code])
    if character in _HALF_OF_FULL:
        return _HALF_OF_FULL[character]
    if 0x30A0 <= code <= 0x30FF:
        parts = unicodedata.normalize("NFD", character)
        if len(parts) == 2 and parts[0] in _HALF_OF_FULL and ord(parts[1]) in _VOICED:
            return _HALF_OF_FULL[parts[0]] + _VOICED[ord(parts[1])]
    return character


_STEPS: tuple[tuple[int, Callable[[str], str]], ...] = (
    (LOWER, lambda text: map_case(text, upper=False)),
    (UPPER, lambda text: map_case(text, upper=True)),
    (BYTE_REVERSAL, _reversed),
    (HIRAGANA, lambda text: text.translate(_TO_HIRAGANA)),
    (KATAKANA, lambda text: text.translate(_TO_KATAKANA)),
    (FULL_WIDTH, _full_width),
    (HALF_WIDTH, _half_width),
)
