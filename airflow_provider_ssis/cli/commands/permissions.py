"""``airflow-ssis permission``: who may do what with an object of the catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.changes import reporting_changes
from airflow_provider_ssis.cli.lazy_group import Group
from airflow_provider_ssis.cli.option_values import CatalogId
from airflow_provider_ssis.cli.output import Column, Output, plain, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.securables import Securable

_PERMISSIONS = [each.name.lower() for each in PermissionType]
_VERBS = {"grant": ("Granted", "to"), "deny": ("Denied", "to"), "revoke": ("Revoked", "from")}
_OBJECT = (
    click.option("--folder", metavar="NAME", help="The folder, alone or of the project or environment."),
    click.option("--project", metavar="NAME", help="A project in the folder."),
    click.option("--environment", metavar="NAME", help="An environment in the folder."),
    click.option("--operation", type=CatalogId(), metavar="ID", help="An execution or another operation."),
)


def _of_an_object(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OBJECT):
        function = option(function)
    return function


@click.group("permission", cls=Group)
def command() -> None:
    """Grant, deny, revoke or show permissions on a folder, project, environment or operation."""


@catalog_command("show")
@_of_an_object
def show(
    catalog: Catalog,
    output: Output,
    folder: str | None,
    project: str | None,
    environment: str | None,
    operation: int | None,
) -> None:
    """Show the grants and denials on an object, and what the login of the connection may do with it.

    Grants that the object inherits from its folder are shown at the folder.
    """
    securable = _securable(folder, project, environment, operation)
    explicit = catalog.permissions(securable)
    own = sorted(catalog.effective_permissions(securable))
    if output.as_json:
        output.json({"explicit": plain(explicit), "own": plain(own)})
        return
    output.rows(
        explicit,
        Column("principal", lambda row: row.principal_name or row.principal_id),
        Column("permission", "permission_type"),
        Column("denied", "is_deny"),
        Column("granted by", "grantor_name"),
    )
    click.echo(f"\nThis login may: {', '.join(map(shown, own)) or 'nothing'}.")


def _changing(verb: str, does: str) -> click.Command:
    @_of_an_object
    @click.argument("principal")
    @click.argument(
        "permission",
        type=click.Choice(_PERMISSIONS, case_sensitive=False),
        nargs=-1,
        required=True,
        metavar="PERMISSION...",
    )
    def change(
        catalog: Catalog,
        output: Output,
        principal: str,
        permission: tuple[str, ...],
        folder: str | None,
        project: str | None,
        environment: str | None,
        operation: int | None,
    ) -> None:

        securable = _securable(folder, project, environment, operation)
        call = {
            "grant": catalog.grant_permission,
            "deny": catalog.deny_permission,
            "revoke": catalog.revoke_permission,
        }[verb]
        done: list[str] = []
        past, joiner = _VERBS[verb]
        with reporting_changes({"": done}):
            for name in permission:
                call(principal, PermissionType[name.upper()], securable)
                done.append(name)
        output.done(
            f"{past} {', '.join(done)} on {securable.title} {joiner} {principal}.",
            action=verb,
            principal=principal,
            permissions=done,
        )

    change.__doc__ = does
    return catalog_command(verb)(change)


def _securable(folder: str | None, project: str | None, environment: str | None, operation: int | None) -> Securable:
    from airflow_provider_ssis.catalog.errors import InvalidArgument
    from airflow_provider_ssis.catalog.securables import Securable

    try:
        return Securable(folder=folder, project=project, environment=environment, operation_id=operation)
    except InvalidArgument as error:
        raise click.UsageError(f"{error} The options are --folder, --project, --environment and --operation.") from None


command.add_command(_changing("grant", "Grant PERMISSIONs on an object to PRINCIPAL, a user or role of SSISDB."))
command.add_command(_changing("deny", "Deny PERMISSIONs on an object to PRINCIPAL. A denial takes precedence."))
command.add_command(_changing("revoke", "Remove grants and denials of PERMISSIONs on an object from PRINCIPAL."))
command.add_command(show)
