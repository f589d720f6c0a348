"""Write the Python code that builds a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.project import ProjectBuilder
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.connection_code import connection_code
from airflow_provider_ssis.project.builder_code.equality import differences
from airflow_provider_ssis.project.builder_code.package_code import package_code
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.connections import read_dts_connection_manager
from airflow_provider_ssis.project.visual_studio.settings import TARGET_SERVER_VERSIONS

if TYPE_CHECKING:
    from airflow_provider_ssis.project.inspection.sources import SsisFiles
    from airflow_provider_ssis.project.manifest.project_manifest import Manifest

_RELEASES = {number: int(name.removeprefix("SQLServer")) for name, number in TARGET_SERVER_VERSIONS.items()}
_OLD_FORMAT = 2012
_NEW_FORMAT = 2016


def project_code(files: SsisFiles) -> str:
    """Return the Python code that builds a project of the project deployment model with equal meaning.

    :param files: the files of the project.
    :raises BuildError: it is no such project, or parts are outside of the builder's range; the error names them.
    :raises ProjectError: a file of the project is invalid.
    """
    manifest = files.manifest
    if manifest is None:
        raise BuildError(
            "is not a project of the project deployment model", part=files.part, advice="Choose one of its packages"
        )
    code = Code()
    project = _project(code, files, manifest)
    for each in files.project_parameters():
        if not each.name.startswith("CM."):
            given = {"data_type": each.data_type, "required": each.required, "sensitive": each.sensitive}
            arguments = {name: value for name, value in given.items() if value}
            if each.description:
                arguments["description"] = each.description
            value = None if each.sensitive else each.value
            code.call(project, "add_parameter", each.name, value, into="", **arguments)
    managers: dict[str, Ref] = {}
    for name in files.names:
        if not name.lower().endswith(".conmgr"):
            continue
        found = read_dts_connection_manager(files.root(name), name)
        made = connection_code(code, project.connection_managers, found)
        if differences(found.element, made.value.element(), name):
            raise BuildError("has parts that the builder does not write", part=name)
        for key in (found.id, f"Project.ConnectionManagers[{found.name}]", found.name):
            managers[key.casefold()] = made
    for name in files.package_names:
        code.lines.append("")
        package_code(code, files.package(name), project, managers)
    return code.program()


def _project(code: Code, files: SsisFiles, manifest: Manifest) -> Ref:
    formats = {files.package(name).format_version for name in files.package_names}
    target = _RELEASES.get(manifest.target_server_version or 0)
    if target is None or (target < _NEW_FORMAT) is not (formats == {6}):
        target = _OLD_FORMAT if formats == {6} else _NEW_FORMAT
    version = (manifest.version_major, manifest.version_minor, manifest.version_build)
    given = {"target_server": target, "version": version}
    texts = {"version_comments": manifest.version_comments, "description": manifest.description}
    return code.call(
        ProjectBuilder,
        "",
        manifest.name,
        into="project",
        **given,
        **{name: text for name, text in texts.items() if text},
    )
