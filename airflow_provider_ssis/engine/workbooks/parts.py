"""The parts of a workbook that describe its sheets, names and formats (ECMA-376, part 1, section 12.3)."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.safe_xml import parse_xml

CANNOT_OPEN = 0xC0202009
"""DTS_E_OLEDBERROR: the driver cannot open the file."""

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""The rows and columns of a sheet."""

_EXTENSIONS = (".xlsx", ".xlsm")
_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_OLD_FILE = b"\xd0\xcf\x11\xe0"
"""The first bytes of a compound file: an .xls file, or one with a password."""
_ADDRESS = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?")
_TYPES = "[Content_Types].xml"


@dataclass(frozen=True, slots=True)
class Area:
    """Cells of a sheet, with numbers from 1; the last row and column belong to it."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int


def column_number(letters: str) -> int:
    """Return the number of a column, from 1: 28 for ``AB``."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def column_letters(number: int) -> str:
    """Return the letters of a column: ``AB`` for 28."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def check_format(path: Path) -> None:
    """Check that a file has a format that can be edited, by its extension.

    :raises TaskFailure: it is an .xls or .xlsb file, or has another extension.
    """
    if path.suffix.lower() not in _EXTENSIONS:
        raise TaskFailure(
            f"The engine writes Excel files of the formats .xlsx and .xlsm, not {path.name}. Save it as .xlsx, and "
            "change the connection manager.",
            CANNOT_OPEN,
        )


class Workbook:
    """The parts of a workbook that describe it. Changes are kept in :attr:`changed` until the file is written.

    :param archive: the open file.
    :param name: its name, for errors.
    :raises TaskFailure: it is not a workbook.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self._name = name
        self.changed: dict[str, etree._Element] = {}
        root = next(
            (
                _target("", each)
                for each in self._part("_rels/.rels").iterfind("{*}Relationship")
                if str(each.get("Type", "")).endswith("/officeDocument")
            ),
            "xl/workbook.xml",
        )
        self._workbook = root
        folder, file = posixpath.split(root)
        self._rels = f"{folder}/_rels/{file}.rels"

    def _part(self, name: str) -> etree._Element:
        if name in self.changed:
            return self.changed[name]
        try:
            return parse_xml(self._archive.read(name), f"{self._name}!{name}", keep_all=True)
        except KeyError:
            raise TaskFailure(f"{self._name} is not an Excel file: it has no part {name}.", CANNOT_OPEN) from None
        except ProjectError as error:
            raise TaskFailure(f"{self._name} cannot be read: {error}", CANNOT_OPEN) from error

    def _changing(self, name: str) -> etree._Element:
        return self.changed.setdefault(name, self._part(name))

    @property
    def _relations(self) -> Iterator[etree._Element]:
        return self._part(self._rels).iterfind("{*}Relationship")

    @property
    def sheets(self) -> dict[str, str]:
        """The parts of the sheets by their names."""
        targets = {str(each.get("Id")): _target(self._workbook, each) for each in self._relations}
        found = {}
        for sheet in self._part(self._workbook).iterfind("{*}sheets/{*}sheet"):
            relation = next((value for key, value in sheet.attrib.items() if str(key).endswith("relationships}id")), "")
            found[str(sheet.get("name"))] = targets.get(str(relation), "")
        return found

    def sheet_name(self, name: str) -> str | None:
        """Return a sheet's name as the workbook has it; None if there is no such sheet. Case does not matter."""
        return next((each for each in self.sheets if each.casefold() == name.casefold()), None)

    @property
    def starts_in_1904(self) -> bool:
        """Whether dates are counted from 1904, as old versions for the Macintosh do."""
        properties = self._part(self._workbook).find("{*}workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true")

    @property
    def names(self) -> list[tuple[str, bool]]:
        """The defined names, each with whether it belongs to a single sheet."""
        found = self._part(self._workbook).iterfind("{*}definedNames/{*}definedName")
        return [(str(each.get("name")), each.get("localSheetId") is not None) for each in found]

    def area(self, name: str) -> Area | None:
        """Return the cells of a named range; None if there is no such name.

        :raises TaskFailure: the name refers to something else, such as a formula.
        """
        found = self._defined_name(name)
        if found is None:
            return None
        sheet, _, cells = (found.text or "").strip().rpartition("!")
        match = _ADDRESS.fullmatch(cells)
        if sheet.startswith("'") and sheet.endswith("'"):
            sheet = sheet[1:-1].replace("''", "'")
        if match is None or not sheet:
            raise TaskFailure(f"The name {name} of {self._name} does not refer to one range of cells.", CANNOT_OPEN)
        left, top = column_number(match[1]), int(match[2])
        right = column_number(match[3]) if match[3] else left
        return Area(sheet, top, left, int(match[4] or top), right)

    def _defined_name(self, name: str) -> etree._Element | None:
        return next(
            (
                each
                for each in self._part(self._workbook).iterfind("{*}definedNames/{*}definedName")
                if str(each.get("name")).casefold() == name.casefold() and each.get("localSheetId") is None
            ),
            None,
        )

    # -- changes -------------------------------------------------------------------------------------------------------

    def name_area(self, name: str, area: Area) -> None:
        """Let a name refer to cells of a sheet; adds the name if there is none."""
        book = self._changing(self._workbook)
        found = self._defined_name(name)
        if found is None:
            names = book.find("{*}definedNames")
            if names is None:
                names = etree.Element(_tag(book, "definedNames"))
                _insert(book, names, ("sheets", "functionGroups", "externalReferences"))
            found = etree.SubElement(names, _tag(book, "definedName"), name=name)
        sheet = area.sheet.replace("'", "''")
        left, right = column_letters(area.left), column_letters(area.right)
        found.text = f"'{sheet}'!${left}${area.top}:${right}${area.bottom}"

    def remove_name(self, name: str) -> None:
        """Remove a named range, if there is one."""
        self._changing(self._workbook)
        found = self._defined_name(name)
        if found is None:
            return
        names = found.getparent()
        if names is not None:
            names.remove(found)
            holder = names.getparent()
            if not len(names) and holder is not None:
                holder.remove(names)

    def add_sheet(self, name: str) -> str:
        """Add a sheet at the end; returns the name of its part, which the caller writes."""
        book, rels, types = self._changing(self._workbook), self._changing(self._rels), self._changing(_TYPES)
        names = set(self._archive.namelist())
        folder = posixpath.dirname(self._workbook)
        number = next(each for each in range(1, len(names) + 2) if f"{folder}/worksheets/sheet{each}.xml" not in names)
        part = f"{folder}/worksheets/sheet{number}.xml"
        relation = _add_relation(rels, "worksheet", f"/{part}")
        etree.SubElement(types, f"{{{_PACKAGE}/content-types}}Override", PartName=f"/{part}", ContentType=_SHEET_TYPE)
        sheets = book.find("{*}sheets")
        if sheets is None:
            raise TaskFailure(f"{self._name} is not an Excel file: it has no list of sheets.", CANNOT_OPEN)
        number = max((int(each.get("sheetId", "0")) for each in sheets.iterfind("{*}sheet")), default=0) + 1
        attributes = {"name": name, "sheetId": str(number), f"{{{_RELATIONSHIPS}}}id": relation}
        etree.SubElement(sheets, _tag(book, "sheet"), attributes)
        return part

    def cell_format(self, number_format: int) -> int:
        """Return the index of the cell format that shows a number in a built-in format; adds it if there is none."""
        part = next(
            (
                _target(self._workbook, each)
                for each in self._relations
                if str(each.get("Type", "")).endswith("/styles")
            ),
            None,
        )
        styles = self._add_styles() if part is None else self._changing(part)
        wanted = {
            "numFmtId": str(number_format),
            "fontId": "0",
            "fillId": "0",
            "borderId": "0",
            "applyNumberFormat": "1",
        }
        formats = styles.find("{*}cellXfs")
        if formats is None:
            raise TaskFailure(f"{self._name} is not an Excel file: its styles have no cell formats.", CANNOT_OPEN)
        for index, each in enumerate(formats.iterfind("{*}xf")):
            if not len(each) and {key: value for key, value in each.attrib.items() if key != "xfId"} == wanted:
                return index
        etree.SubElement(formats, _tag(styles, "xf"), wanted, xfId="0")
        count = len(formats.findall("{*}xf"))
        formats.set("count", str(count))
        return count - 1

    def _add_styles(self) -> etree._Element:
        part = f"{posixpath.dirname(self._workbook)}/styles.xml"
        _add_relation(self._changing(self._rels), "styles", f"/{part}")
        attributes = {"PartName": f"/{part}", "ContentType": _STYLES_TYPE}
        etree.SubElement(self._changing(_TYPES), f"{{{_PACKAGE}/content-types}}Override", attributes)
        return self.changed.setdefault(part, etree.fromstring(NEW_STYLES))

    def calculate_when_opened(self) -> None:
        """Let Excel calculate the formulas again: their stored results do not know the new rows."""
        if not any(name.endswith("calcChain.xml") for name in self._archive.namelist()):
            return
        book = self._changing(self._workbook)
        found = book.find("{*}calcPr")
        if found is None:
            found = etree.Element(_tag(book, "calcPr"))
            _insert(book, found, ("sheets", "functionGroups", "externalReferences", "definedNames"))
        found.set("fullCalcOnLoad", "1")


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a workbook.

    :raises TaskFailure: it does not exist, cannot be read, or is not a workbook in an open format; also when a damaged
        part is read.
    """
    with _opened(path) as archive:
        try:
            yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise TaskFailure(f"The Excel file {path} cannot be read: {error}.", CANNOT_OPEN) from error


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        with path.open("rb") as file:
            is_old = file.read(4) == _OLD_FILE
        why = "it is an .xls file, or has a password" if is_old else "it is damaged"
        raise TaskFailure(
            f"The Excel file {path} cannot be opened: {why}. Save it as .xlsx without a password.", CANNOT_OPEN
        ) from error
    except OSError as error:
        raise TaskFailure(f"The Excel file {path} cannot be opened: {error.strerror or error}.", CANNOT_OPEN) from error


def _target(source: str, relation: etree._Element) -> str:
    target = str(relation.get("Target", ""))
    return (
        target.lstrip("/")
        if target.startswith("/")
        else posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    )


def _tag(parent: etree._Element, name: str) -> str:
    return f"{{{etree.QName(parent).namespace}}}{name}"


def _insert(parent: etree._Element, element: etree._Element, after: tuple[str, ...]) -> None:
    """Insert an element after the last of some others: the order of the children is fixed."""
    index = max(number for number, each in enumerate(parent) if str(each.tag).rpartition("}")[2] in after)
    parent.insert(index + 1, element)


def _add_relation(rels: etree._Element, kind: str, target: str) -> str:
    used = {each.get("Id") for each in rels.iterfind("{*}Relationship")}
    number = next(each for each in range(1, len(used) + 2) if f"rId{each}" not in used)
    attributes = {"Id": f"rId{number}", "Type": f"{_RELATIONSHIPS}/{kind}", "Target": target}
    etree.SubElement(rels, f"{{{_PACKAGE}/relationships}}Relationship", attributes)
    return f"rId{number}"


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
NEW_STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
NEW_SHEET = f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'
NEW_PARTS = {
    _TYPES: f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_RELATIONSHIPS}"><sheets/></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"/>',
}
"""The parts of a workbook without sheets, which is completed before it is written."""
