"""Describe SSIS files as plain data, ready for JSON. Secrets are left out: sensitive values, passwords, arguments.

``inspect.schema.json`` in this folder is the schema of the result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from airflow_provider_ssis.project.configuration_file import read_configuration_file
from airflow_provider_ssis.project.connection_strings import masked
from airflow_provider_ssis.project.errors import located_in
from airflow_provider_ssis.project.inspection.sources import SsisFiles, file_content, open_files
from airflow_provider_ssis.project.limits import DEFAULT_LIMITS, Limits
from airflow_provider_ssis.project.lineage.columns import column_lineage
from airflow_provider_ssis.project.manifest.properties import read_project_parameters
from airflow_provider_ssis.project.models import ExecutableKind, Parameter
from airflow_provider_ssis.project.package.connections import DtsConnectionManager, read_dts_connection_manager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsPrecedenceConstraint
from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.elements import DtsElement
from airflow_provider_ssis.project.package.tasks import ScriptTask
from airflow_provider_ssis.project.package.variables import DtsVariable
from airflow_provider_ssis.project.type_names import component_class, task_type

FORMAT = 1


def describe(source: Path, *, password: str | None = None, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """Describe a file or project folder.

    :param source: a package (.dtsx, .dtsxp), project file (.ispac), .dtproj, project folder, .conmgr, .params or
        .dtsConfig.
    :param password: the password of the project or package. Default: None.
    :param limits: limits for the files.
    :returns: plain data that agrees with ``inspect.schema.json``.
    :raises ProjectError: the source cannot be read.
    """
    suffix = source.suffix.lower()
    with located_in(source):
        if suffix == ".dtsconfig":
            found = read_configuration_file(file_content(source), source.name, limits=limits)
            values = [
                {"path": one.path, "type": one.configured_type, "value_type": one.value_type} for one in found.values
            ]
            return {"format": FORMAT, "kind": "configuration file", "file": source.name, "values": values}
        with open_files(source, password=password, limits=limits) as files:
            return {"format": FORMAT, **_content(files)}


def schema() -> dict[str, Any]:
    """Return the JSON schema of descriptions."""
    text = Path(__file__).with_name("inspect.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _content(files: SsisFiles) -> dict[str, Any]:
    if files.manifest is None and files.is_project:
        packages = [_project_package(files, name) for name in files.names]
        return {"kind": "package project", "file": files.part, "packages": packages}
    if files.manifest is None:
        (part,) = files.names
        root = files.root(part)
        if part.lower().endswith(".params"):
            parameters = [_parameter(one) for one in read_project_parameters(root, part)]
            return {"kind": "parameters", "file": part, "parameters": parameters}
        if part.lower().endswith(".conmgr"):
            return {"kind": "connection manager", "file": part, **_manager(read_dts_connection_manager(root, part))}
        return {"kind": "package", "file": part, **_package(files.package(part))}
    manifest = files.manifest
    return {
        "kind": "project",
        "file": files.part,
        "name": manifest.name,
        "id": manifest.id,
        "description": manifest.description,
        "protection_level": manifest.protection_level.label,
        "version": [manifest.version_major, manifest.version_minor, manifest.version_build],
        "version_comments": manifest.version_comments,
        "target_server_version": manifest.target_server_version,
        "parameters": [_parameter(one) for one in (*files.project_parameters(), *manifest.connection_parameters)],
        "connection_managers": [
            {"file": name, **_manager(read_dts_connection_manager(files.root(name), name))}
            for name in manifest.connection_managers
        ],
        "packages": [_project_package(files, name) for name in (one.name for one in manifest.packages)],
        "configurations": [
            {
                "name": one.name,
                "target_server_version": one.target_server_version,
                "parameters": [setting.name for setting in one.settings],
            }
            for one in files.configurations
        ],
    }


def _project_package(files: SsisFiles, name: str) -> dict[str, Any]:
    if files.is_encrypted(name):
        return {"file": name, "encrypted": True}
    return {"file": name, **_package(files.package(name))}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "data_type": parameter.data_type,
        "value": None if parameter.sensitive else _plain(parameter.value),
        "required": parameter.required,
        "sensitive": parameter.sensitive,
        "description": parameter.description,
    }


def _package(package: DtsPackage) -> dict[str, Any]:
    names = {one.id.upper(): one.name for one in package.connection_managers}
    return {
        "name": package.container.name,
        "id": package.container.id,
        "format_version": package.format_version,
        "protection_level": package.protection_level.label,
        "version": [package.version_major, package.version_minor, package.version_build],
        "version_comments": package.version_comments,
        "max_concurrent_executables": package.max_concurrent_executables,
        "checkpoints": {
            "save": package.save_checkpoints,
            "usage": package.checkpoint_usage,
            "file": package.checkpoint_file_name,
        },
        "enable_configurations": package.enable_configurations,
        "parameters": [
            {
                "name": one.name,
                "data_type": one.data_type,
                "value": None if one.sensitive else one.text,
                "required": one.required,
                "sensitive": one.sensitive,
                "description": one.description,
            }
            for one in package.parameters
        ],
        "connection_managers": [_manager(one) for one in package.connection_managers],
        "configurations": [
            {"name": one.name, "type": int(one.type), "string": masked(one.string), "property": one.variable}
            for one in package.configurations
        ],
        "log_providers": [
            {"name": one.name, "type": one.creation_name, "connection": one.config_string}
            for one in package.log_providers
        ],
        "control_flow": _container(package.container, names),
    }


def _manager(manager: DtsConnectionManager) -> dict[str, Any]:
    return {
        "name": manager.name,
        "id": manager.id,
        "type": manager.kind,
        "connection_string": masked(manager.connection_string),
        "description": manager.description,
        "secrets": list(manager.secrets),
        "expressions": dict(manager.expressions),
        "columns": [
            {"name": one.name, "type": one.data_type, "delimiter": one.delimiter, "width": one.maximum_width}
            for one in manager.columns
        ],
    }


def _container(container: DtsContainer, managers: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": container.name,
        "path": container.path,
        "kind": container.kind.value,
        "type": task_type(container.type) if container.kind is ExecutableKind.TASK else "",
        "id": container.id,
        "line": container.element.sourceline,
        "description": container.description,
        "disabled": container.disabled,
        "delay_validation": container.delay_validation,
        "max_error_count": container.max_error_count,
        "fail_package_on_failure": container.fail_package_on_failure,
        "fail_parent_on_failure": container.fail_parent_on_failure,
        "force_execution_result": container.force_execution_result,
        "transaction_option": container.transaction_option,
        "isolation_level": container.isolation_level,
        "locale_id": container.locale_id,
        "disable_event_handlers": container.disable_event_handlers,
        "logging": None if container.logging is None else _plain(container.logging),
        "variables": [_variable(one) for one in container.variables],
        "expressions": dict(container.expressions),
        "children": [_container(one, managers) for one in container.children],
        "constraints": [_constraint(one) for one in container.constraints],
        "event_handlers": [
            {
                "event": handler.event,
                "path": handler.path,
                "id": handler.id,
                "disabled": handler.disabled,
                "variables": [_variable(one) for one in handler.variables],
                "expressions": dict(handler.expressions),
                "children": [_container(one, managers) for one in handler.children],
                "constraints": [_constraint(one) for one in handler.constraints],
            }
            for handler in container.event_handlers
        ],
    }
    data = container.data()
    if isinstance(data, Pipeline):
        found["data_flow"] = _pipeline(data, managers)
    elif isinstance(data, ScriptTask):
        found["task"] = {**_fields(data), "files": sorted(data.files)}
    elif data is not None:
        found["task"] = _fields(data)
    return found


def _variable(variable: DtsVariable) -> dict[str, Any]:
    return {
        "name": variable.qualified_name,
        "data_type": variable.data_type,
        "value": variable.text,
        "expression": variable.expression,
        "evaluate_as_expression": variable.evaluate_as_expression,
        "read_only": variable.read_only,
        "description": variable.description,
    }


def _constraint(constraint: DtsPrecedenceConstraint) -> dict[str, Any]:
    return {
        "name": constraint.name,
        "from": constraint.source,
        "to": constraint.target,
        "value": constraint.value.name.lower(),
        "evaluates": constraint.eval_op.name.lower().replace("_", " "),
        "expression": constraint.expression,
        "all_of": constraint.logical_and,
    }


def _pipeline(pipeline: Pipeline, managers: Mapping[str, str]) -> dict[str, Any]:
    ends = {end.key: (one.name, end.name) for one in pipeline.components for end in one.ends}
    return {
        "components": [_component(one, managers) for one in pipeline.components],
        "paths": [
            {
                "name": one.name,
                "from": list(ends.get(one.output_key, ("", ""))),
                "to": list(ends.get(one.input_key, ("", ""))),
            }
            for one in pipeline.paths
        ],
        "lineage": [
            {
                "destination": one.destination,
                "input": one.input,
                "column": one.column,
                "external_column": one.external_column,
                "origins": [{"component": origin.component, "column": origin.column} for origin in one.origins],
                "steps": list(one.steps),
            }
            for one in column_lineage(pipeline)
        ],
    }


def _component(component: Component, managers: Mapping[str, str]) -> dict[str, Any]:
    def manager(id_: str, ref_id: str) -> str:
        _, bracket, rest = (ref_id or id_).partition(".ConnectionManagers[")
        return rest.removesuffix("]") if bracket else managers.get(id_.upper(), id_)

    return {
        "name": component.name,
        "class": component_class(component),
        "line": component.element.sourceline,
        "properties": {name: one.text for name, one in component.properties.items() if not one.is_array},
        "connections": {one.name: manager(one.manager_id, one.manager_ref_id) for one in component.connections},
        "inputs": [
            {"name": one.name, "columns": [column.name or column.cached_name for column in one.columns]}
            for one in component.inputs
        ],
        "outputs": [
            {
                "name": one.name,
                "is_error_output": one.is_error_output,
                "is_sorted": one.is_sorted,
                "columns": [
                    {
                        "name": column.name,
                        "type": column.data_type.name,
                        "length": column.data_type.length,
                        "precision": column.data_type.precision,
                        "scale": column.data_type.scale,
                        "code_page": column.data_type.code_page,
                        "sort_key_position": column.sort_key_position,
                        "error_disposition": column.error_disposition,
                        "truncation_disposition": column.truncation_disposition,
                    }
                    for column in one.columns
                ],
            }
            for one in component.outputs
        ],
    }


def _fields(value: DtsElement) -> dict[str, Any]:
    """Return the fields of a task or loop that can contain no secret."""
    own = {field.name for field in fields(DtsElement)}
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(value).__name__).lower()
    return {
        "kind": kind,
        **{
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if field.repr and field.name not in own
        },
    }


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        own = {"element", "part"} if isinstance(value, DtsElement) else set()
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if field.repr and field.name not in own
        }
    return str(value)
