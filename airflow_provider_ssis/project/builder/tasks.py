"""The methods that add tasks to a container. Their arguments have the names of the reader's fields."""

from __future__ import annotations

import re
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.builder import task_types
from airflow_provider_ssis.project.builder.executables import Options, TaskBuilder
from airflow_provider_ssis.project.builder.sql_parameters import SqlParameter, bindings
from airflow_provider_ssis.project.builder.transfer_tasks import TransferTasks
from airflow_provider_ssis.project.builder.values import check_number
from airflow_provider_ssis.project.builder.variables import Variable
from airflow_provider_ssis.project.builder.xml import guid, plain_element
from airflow_provider_ssis.project.package.stored import (
    PACKAGE_TASK,
    PROCESS_TASK,
    SCRIPT_TASK,
    SQL_TASK,
    write_stored,
)

if TYPE_CHECKING:
    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder

_RESULT_TYPES = ("None", "SingleRow", "Rowset", "XML")
_LANGUAGES = ("CSharp", "VisualBasic")
_ASSIGNMENT = re.compile(r"\s*@(\[[^\]]+\]|\w+)\s*:?=(?!=)")


class Tasks(TransferTasks):
    """The tasks of a container."""

    def add_execute_sql(
        self,
        name: str,
        connection: ConnectionManagerBuilder,
        statement: str | Variable | ConnectionManagerBuilder = "",
        *,
        source_type: str = "DirectInput",
        parameters: Sequence[SqlParameter] = (),
        results: Mapping[str, Variable] | None = None,
        result_type: str = "None",
        timeout: int = 0,
        code_page: int = 0,
        bypass_prepare: bool = True,
        is_stored_procedure: bool = False,
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add an Execute SQL task.

        :param name: its name.
        :param connection: the connection manager: OLEDB, ADO.NET, ODBC or EXCEL.
        :param statement: the statement; the variable that contains it, with the source type ``Variable``; or the
            FILE connection manager, with ``FileConnection``. Default: empty, for a property expression.
        :param source_type: ``DirectInput``, ``Variable`` or ``FileConnection``. Default: ``DirectInput``.
        :param parameters: the parameters of the statement. Default: none.
        :param results: the variables that get results, by name or number of the column; ``"0"`` for a whole result
            set. Default: none.
        :param result_type: ``None``, ``SingleRow``, ``Rowset`` or ``XML``. Default: ``None``.
        :param timeout: in seconds. Default: 0, no limit.
        :param code_page: the code page of a file with the statement. Default: 0, that of the server.
        :param bypass_prepare: run the statement without preparing it. Default: True.
        :param is_stored_procedure: the statement is the name of a procedure (ADO.NET). Default: False.
        :param options: the properties that all executables have. Default: their defaults.
        :raises BuildError: a value is not valid, or a connection manager or variable is not visible here.
        """
        results = results or {}
        self._one_of(name, "result type", result_type, _RESULT_TYPES)
        if (result_type == "None") is bool(results) or (result_type in ("Rowset", "XML") and set(results) != {"0"}):
            raise self._error(
                name,
                f"the result type {result_type} with the results {sorted(results)}",
                "Rowset and XML need '0' only",
            )
        check_number(f"the timeout of the task {name}", "TimeOut", timeout)
        kind_task = task_types.EXECUTE_SQL
        values = {
            "connection": self._connection(name, connection, "OLEDB", "ADO.NET", "ODBC", "EXCEL"),
            "timeout": timeout,
            "is_stored_procedure": is_stored_procedure,
            "bypass_prepare": bypass_prepare,
            "source_type": source_type,
            "source": self._source(name, source_type, statement),
            "code_page": code_page,
            "result_type": result_type,
        }
        data = kind_task.data(values, SQL_TASK)
        for column, variable in results.items():
            data.append(
                kind_task.part("ResultBinding", {"ResultName": column, "DtsVariableName": self.target_name(variable)})
            )
        for each in bindings(tuple(parameters), connection.kind, name, self):
            data.append(
                kind_task.part(
                    "ParameterBinding",
                    {
                        "ParameterName": each.name,
                        "DtsVariableName": each.variable,
                        "ParameterDirection": each.direction,
                        "DataType": each.data_type,
                        "ParameterSize": each.size,
                    },
                )
            )
        return self._add_task(name, kind_task, data, options)

    def add_execute_package(
        self,
        name: str,
        package_name: str = "",
        *,
        connection: ConnectionManagerBuilder | None = None,
        assignments: Mapping[str, Variable] | None = None,
        execute_out_of_process: bool = False,
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add an Execute Package task.

        :param name: its name.
        :param package_name: a package of the same project; with an OLEDB connection, the path of a package in msdb.
            Default: empty, for a package in a file.
        :param connection: the FILE or OLEDB connection manager of a package outside the project. Default: None.
        :param assignments: the variables and parameters that set the parameters of the child, by name. Only for
            packages of the same project. Default: none.
        :param execute_out_of_process: run in another process. Default: False.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`.
        """
        if connection is None and not package_name.lower().endswith(".dtsx"):
            raise self._error(name, f"the package {package_name!r}", "Name a package of the project: Load.dtsx")
        if assignments and connection is not None:
            raise self._error(name, "assignments for a package outside the project", "Leave them out")
        values = {
            "use_project_reference": connection is None,
            "package_name": package_name,
            "connection": "" if connection is None else self._connection(name, connection, "FILE", "OLEDB"),
            "execute_out_of_process": execute_out_of_process,
        }
        data = plain_element(task_types.EXECUTE_PACKAGE.element)
        for stored_name, text in write_stored(values, PACKAGE_TASK).items():
            data.append(plain_element(stored_name, text=text))
        for parameter, variable in (assignments or {}).items():
            assignment = plain_element("ParameterAssignment")
            assignment.append(plain_element("ParameterName", text=parameter))
            assignment.append(plain_element("BindedVariableOrParameterName", text=self.variable_name(variable)))
            data.append(assignment)
        return self._add_task(name, task_types.EXECUTE_PACKAGE, data, options)

    def add_execute_process(
        self,
        name: str,
        executable: str,
        arguments: str = "",
        *,
        working_directory: str = "",
        require_full_file_name: bool = True,
        fail_on_other_return_code: bool = True,
        success_value: int = 0,
        timeout: int = 0,
        terminate_after_timeout: bool = True,
        standard_input_variable: Variable | None = None,
        standard_output_variable: Variable | None = None,
        standard_error_variable: Variable | None = None,
        window_style: str = "Normal",
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add an Execute Process task.

        :param name: its name.
        :param executable: the program.
        :param arguments: the command line after the program. Default: empty.
        :param working_directory: the folder. Default: that of the server.
        :param require_full_file_name: fail if the program is not at its path. Default: True.
        :param fail_on_other_return_code: fail if the exit code is not the success value. Default: True.
        :param success_value: the exit code of success. Default: 0.
        :param timeout: in seconds. Default: 0, no limit.
        :param terminate_after_timeout: end the process at the timeout. Default: True.
        :param standard_input_variable: the variable with the input. Default: None.
        :param standard_output_variable: the variable that gets the output. Default: None.
        :param standard_error_variable: the variable that gets the errors. Default: None.
        :param window_style: ``Normal``, ``Maximized``, ``Minimized`` or ``Hidden``. Default: ``Normal``.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`.
        """
        check_number(f"the timeout of the task {name}", "TimeOut", timeout)
        self._one_of(name, "window style", window_style, ("Normal", "Maximized", "Minimized", "Hidden"))
        values = {
            "executable": executable,
            "arguments": arguments,
            "working_directory": working_directory,
            "require_full_file_name": require_full_file_name,
            "fail_on_other_return_code": fail_on_other_return_code,
            "success_value": success_value,
            "timeout": timeout,
            "terminate_after_timeout": terminate_after_timeout,
            "standard_input_variable": self._optional_variable(standard_input_variable),
            "standard_output_variable": self._optional_target(standard_output_variable),
            "standard_error_variable": self._optional_target(standard_error_variable),
            "window_style": window_style,
        }
        task_type = task_types.EXECUTE_PROCESS
        return self._add_task(name, task_type, task_type.data(values, PROCESS_TASK), options)

    def add_script(
        self,
        name: str,
        files: Mapping[str, str],
        binary: bytes | None,
        *,
        language: str = "CSharp",
        entry_point: str = "Main",
        read_only_variables: Sequence[Variable] = (),
        read_write_variables: Sequence[Variable] = (),
        options: Options | None = None,
    ) -> TaskBuilder:
        """Add a Script task.

        :param name: its name.
        :param files: the source files by name: ``ScriptMain.cs``, ...
        :param binary: the compiled script, a .NET assembly. SSIS does not compile a script when it runs it.
        :param language: ``CSharp`` or ``VisualBasic``. Default: ``CSharp``.
        :param entry_point: the method that runs. Default: ``Main``.
        :param read_only_variables: the variables that the script reads. Default: none.
        :param read_write_variables: the variables that the script changes. Default: none.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`, or there is no binary.
        """
        self._one_of(name, "language", language, _LANGUAGES)
        if not binary:
            raise self._error(
                name,
                "a script without its compiled form",
                "SSIS runs the compiled form only: compile the script, and give the assembly as binary",
            )
        digest = guid(*self.package.scope, self.ref_id, name, "script")
        project = f"ST_{uuid.UUID(digest).hex}"
        task_type = task_types.SCRIPT
        values = {"name": project, "language": language, "entry_point": entry_point}
        data = task_type.data(values, SCRIPT_TASK)
        version = ("14", "0") if self.package.format_version == 8 else ("3", "0")
        data.set("VSTAMajorVersion", version[0])
        data.set("VSTAMinorVersion", version[1])
        for attribute, names in (
            ("ReadOnlyVariables", map(self.variable_name, read_only_variables)),
            ("ReadWriteVariables", map(self.target_name, read_write_variables)),
        ):
            if text := ",".join(names):
                data.set(attribute, text)
        for file, content in files.items():
            item = plain_element("ProjectItem", {"Name": file, "Encoding": "UTF8"})
            item.text = etree.CDATA(content) if "]]>" not in content else content
            data.append(item)
        data.append(plain_element("BinaryItem", {"Name": f"{project}.dll"}, text=b64encode(binary).decode()))
        return self._add_task(name, task_type, data, options)

    def add_expression(self, name: str, expression: str, *, options: Options | None = None) -> TaskBuilder:
        """Add an Expression task.

        :param name: its name.
        :param expression: an assignment: ``@[User::Rows] = 1``.
        :param options: as for :meth:`add_execute_sql`.
        :raises BuildError: as for :meth:`add_execute_sql`, or the expression is not an assignment.
        """
        if not _ASSIGNMENT.match(expression):
            raise self._error(name, f"the expression {expression!r}", "It must be an assignment: @[User::Rows] = 1")
        task_type = task_types.EXPRESSION
        return self._add_task(name, task_type, task_type.part(task_type.element, {"Expression": expression}), options)
