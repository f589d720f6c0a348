"""``airflow-ssis property``: the properties of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.lazy_group import Group
from airflow_provider_ssis.cli.output import Output

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


@click.group("property", cls=Group)
def command() -> None:
    """Show or set properties of the catalog, such as RETENTION_WINDOW."""


@catalog_command("show")
@click.argument("name", required=False)
def show(catalog: Catalog, output: Output, name: str | None) -> None:
    """Show all properties of the catalog, or NAME."""
    from airflow_provider_ssis.catalog.errors import InvalidArgument
    from airflow_provider_ssis.catalog.nearest_names import existing_names

    properties = catalog.catalog_properties()
    if name is not None:
        key = name.strip().upper()
        if key not in properties:
            raise InvalidArgument(
                f"The catalog has no property {name!r}", advice=existing_names("property", key, list(properties))
            )
        properties = {key: properties[key]}
    output.record(properties)


@catalog_command("set")
@click.argument("name")
@click.argument("value")
def set_value(catalog: Catalog, output: Output, name: str, value: str) -> None:
    """Set the property NAME to VALUE. Only ssis_admin and sysadmin may."""
    catalog.set_catalog_property(name, value)
    key = name.strip().upper()
    stored = catalog.catalog_properties().get(key)
    output.done(f"Set {key} to {stored}.", name=key, value=stored)


command.add_command(show)
command.add_command(set_value)
