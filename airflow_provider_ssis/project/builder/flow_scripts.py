"""Script components: sources, transformations and destinations with code."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_ssis.project.builder.components import Component, InputColumn, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_elements import SIDE_EFFECTS, DataFlowElements
from airflow_provider_ssis.project.builder.flow_properties import Properties, Property, int32, text
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.builder.xml import guid
from airflow_provider_ssis.project.type_names import MANAGED_HOST, managed_type

_LANGUAGES = ("CSharp", "VisualBasic")
_INPUT = "Input 0"


@dataclass(frozen=True, slots=True)
class ScriptOutput:
    """An output of a script.

    :param columns: the columns that it adds. Default: none.
    :param synchronous: whether it passes on the rows of the input; False for other rows. Default: True.
    :param group: the exclusion group: the script sends a row to one output of a group other than 0. Default: 0, to all.
    """

    columns: Sequence[Column] = ()
    synchronous: bool = True
    group: int = 0


class Scripts(DataFlowElements):
    """The method that adds a Script component."""

    def add_script_component(
        self,
        name: str,
        source: Output | None = None,
        outputs: Mapping[str, ScriptOutput] | None = None,
        *,
        columns: Sequence[str] = (),
        write_columns: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        binary: bytes = b"",
        language: str = "CSharp",
        read_only_variables: Sequence[Variable] = (),
        read_write_variables: Sequence[Variable] = (),
    ) -> Component:
        """Add a Script component: a source without ``source``, a destination without ``outputs``.

        :param name: its name.
        :param source: the output before it. Default: None, a source.
        :param outputs: its outputs by name. Default: none, a destination.
        :param columns: the columns upstream that the script reads. Default: none.
        :param write_columns: the columns upstream that the script changes in place. Default: none.
        :param files: the text of the script's files by name. Default: none.
        :param binary: the compiled script, a .NET assembly, which SSIS needs to run it. Default: empty.
        :param language: ``CSharp`` or ``VisualBasic``. Default: ``CSharp``.
        :param read_only_variables: the variables and parameters that the script reads. Default: none.
        :param read_write_variables: the variables that the script changes. Default: none.
        :raises BuildError: a name is invalid or used, a column is not upstream, an output of a source is synchronous,
            there is neither an input nor an output, or a variable is not visible.
        """
        ref_id = self._start(name)
        outputs = outputs or {}
        if language not in _LANGUAGES:
            raise self._error(name, f"has the unknown language {language!r}. Languages: {', '.join(_LANGUAGES)}")
        if source is None and (not outputs or columns or write_columns):
            raise self._error(name, "needs an input for its columns, or outputs")
        if source is None and any(each.synchronous for each in outputs.values()):
            raise self._error(name, "is a source, the outputs of which cannot be synchronous")
        made = [self._script_output(name, ref_id, source, label, each) for label, each in outputs.items()]
        inputs = []
        if source is not None:
            upstream = source.columns()
            used = [
                InputColumn(self._column(name, each, upstream), read_write=each in write_columns)
                for each in dict.fromkeys((*columns, *write_columns))
            ]
            inputs = [self._input(name, ref_id, _INPUT, source, used, SIDE_EFFECTS)]
        project = f"SC_{guid(*self.task.package.scope, ref_id).strip('{}').replace('-', '').lower()}"
        sources = tuple(part for file, content in (files or {}).items() for part in (file, content))
        compiled = (f"{project}.dll", base64.b64encode(binary).decode()) if binary else ()
        properties: Properties = {
            "SourceCode": Property("System.String", sources),
            "BinaryCode": Property("System.String", compiled),
            "VSTAProjectName": text(project),
            "ScriptLanguage": text(language),
            "ReadOnlyVariables": text(",".join(self.task.variable_name(each) for each in read_only_variables)),
            "ReadWriteVariables": text(",".join(self.task.target_name(each) for each in read_write_variables)),
            "BreakpointCollection": Property("System.String", ()),
            "MetadataChecksum": int32(0),
        }
        managed = managed_type("ScriptComponent", self.task.package.format_version)
        return self._add(name, MANAGED_HOST, 9, properties, inputs=inputs, outputs=made, managed=managed)

    def _script_output(self, name: str, ref_id: str, source: Output | None, label: str, found: ScriptOutput) -> Output:
        added = [OutputColumn(each) for each in found.columns]
        if source is None or not found.synchronous:
            names = [each.name for each in found.columns]
            if not names or len(set(names)) < len(names):
                raise self._error(name, f"needs columns with different names in the output {label}")
            side_effects = SIDE_EFFECTS if source is None else {}
            return self._output(ref_id, label, added=tuple(added), attributes=side_effects)
        return self._output(
            ref_id,
            label,
            tuple(source.columns().values()),
            self._new_columns(name, added, source),
            {"exclusionGroup": found.group or None, "synchronousInputId": f"{ref_id}.Inputs[{_INPUT}]"},
        )
