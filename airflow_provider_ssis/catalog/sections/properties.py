"""Properties of the catalog, and customized logging levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.catalog_properties import checked_property
from airflow_provider_ssis.catalog.codes import CONTEXT_SHIFT, NO_EVENTS, NO_STATISTICS, LoggedEvents, LoggedStatistics
from airflow_provider_ssis.catalog.errors import CatalogError, InvalidArgument, LoggingLevelNotFound
from airflow_provider_ssis.catalog.models import CustomizedLoggingLevel
from airflow_provider_ssis.catalog.nearest_names import existing_names
from airflow_provider_ssis.catalog.refusals import ADMIN_ROLE, explain_refusal
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.session import Repeat
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, guarded, select


class Properties(CommandPart):
    """The part of the catalog client for properties and customized logging levels."""

    def catalog_properties(self) -> dict[str, str]:
        """All properties of the catalog by name, as text.

        :raises CatalogMissing: the current database is not SSISDB.
        """
        batch = Batch("SELECT property_name, property_value FROM catalog.catalog_properties ORDER BY property_name;")
        return dict(self._session.run(batch, doing="Reading the catalog's properties")[-1].rows)

    def set_catalog_property(self, name: str, value: str | int | bool) -> None:
        """Change a property of the catalog.

        :param name: the property; :data:`~airflow_provider_ssis.catalog.catalog_properties.CHANGEABLE` lists them with
            their values.
        :param value: its value.
        :raises InvalidArgument: there is no such property, it cannot be changed, or it has no such value.
        :raises LoggingLevelNotFound: there is no such customized logging level.
        :raises SingleUserRequired: the property changes only while SSISDB is in the mode SINGLE_USER.
        :raises OperationsActive: the property changes only while no operation is active.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        key, text = checked_property(name, value)
        check_arguments(property=key, property_value=text)
        self._change_level(
            "EXEC catalog.configure_catalog @property_name = ?, @property_value = ?;",
            [key, text],
            f"Setting the catalog property {key} to {text!r}",
            text,
        )

    def customized_logging_levels(self) -> list[CustomizedLoggingLevel]:
        """The customized logging levels, by name."""
        batch = select(CustomizedLoggingLevel, "catalog.customized_logging_levels AS v", order_by="v.name")
        return self._session.fetch(CustomizedLoggingLevel, batch, doing="Reading the customized logging levels")

    def customized_logging_level(self, name: str) -> CustomizedLoggingLevel | None:
        """The customized logging level of that name, or None if the catalog has no such level."""
        check_arguments(customized_logging_level=name)
        batch = select(
            CustomizedLoggingLevel,
            "catalog.customized_logging_levels AS v",
            where=["v.name = ?"],
            values=[name],
        )
        doing = f"Looking for the customized logging level {name!r}"
        return next(iter(self._session.fetch(CustomizedLoggingLevel, batch, doing=doing)), None)

    def create_customized_logging_level(
        self,
        name: str,
        *,
        statistics: LoggedStatistics = NO_STATISTICS,
        events: LoggedEvents = NO_EVENTS,
        context_of: LoggedEvents = NO_EVENTS,
        description: str | None = None,
    ) -> CustomizedLoggingLevel:
        """Create a customized logging level, which executions can use by its name.

        :param name: its name, at most 128 characters.
        :param statistics: the statistics that it records. Default: none.
        :param events: the events that it logs. Default: none.
        :param context_of: those of the events that it logs with their context. Default: none.
        :param description: what it is for, at most 1024 characters. Default: none.
        :return: the level.
        :raises AlreadyExists: there is a level of that name.
        :raises InvalidName: the name breaks the catalog's rules.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(customized_logging_level=name, description=description)
        call = (
            "EXEC catalog.create_customized_logging_level @level_name = ?, @profile_value = ?, @events_value = ?, "
            "@level_id = @level_id OUTPUT"
        )
        values: list[MarkerValue] = [name, int(statistics), _events_value(events, context_of)]
        if description is not None:
            call += ", @level_description = ?"
            values.append(description)
        created = select(
            CustomizedLoggingLevel, "catalog.customized_logging_levels AS v", where=["v.level_id = @level_id"]
        )
        result = self._query(
            f"{call};\n{created.sql};",
            values,
            f"Creating the customized logging level {name!r}",
            role=ADMIN_ROLE,
            declare="@level_id bigint",
        )
        return decode(CustomizedLoggingLevel, result)[0]

    def rename_customized_logging_level(self, name: str, new_name: str) -> None:
        """Rename a customized logging level.

        :param name: its name.
        :param new_name: its new name, at most 128 characters.
        :raises LoggingLevelNotFound: there is no such level; the message shows the nearest names.
        :raises AlreadyExists: there is a level of the new name.
        :raises InvalidName: the new name breaks the catalog's rules.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(customized_logging_level=name)
        check_arguments(customized_logging_level=new_name)
        self._change_level(
            "EXEC catalog.rename_customized_logging_level @old_name = ?, @new_name = ?;",
            [name, new_name],
            f"Renaming the customized logging level {name!r} to {new_name!r}",
            name,
        )

    def set_customized_logging_level_description(self, name: str, description: str) -> None:
        """Describe a customized logging level.

        :param name: its name.
        :param description: what it is for, at most 1024 characters.
        :raises LoggingLevelNotFound: there is no such level; the message shows the nearest names.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(customized_logging_level=name, description=description)
        self._change_level(
            "EXEC catalog.set_customized_logging_level_description @level_name = ?, @level_description = ?;",
            [name, description],
            f"Describing the customized logging level {name!r}",
            name,
        )

    def set_customized_logging_level(
        self,
        name: str,
        *,
        statistics: LoggedStatistics | None = None,
        events: LoggedEvents | None = None,
        context_of: LoggedEvents = NO_EVENTS,
    ) -> None:
        """Change what a customized logging level records.

        :param name: its name.
        :param statistics: the statistics that it records. Default: as they are.
        :param events: the events that it logs. Default: as they are.
        :param context_of: with ``events``: those that it logs with their context. Default: none.
        :raises LoggingLevelNotFound: there is no such level; the message shows the nearest names.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        :raises InvalidArgument: ``context_of`` is given without ``events``.
        """
        check_arguments(customized_logging_level=name)
        if events is None and context_of:
            raise InvalidArgument(
                f"Changing the customized logging level {name!r} failed: context_of is given without events",
                advice="The catalog stores both in one value. Give events too.",
            )
        changes = []
        if statistics is not None:
            changes.append(("PROFILE", int(statistics)))
        if events is not None:
            changes.append(("EVENTS", _events_value(events, context_of)))
        for key, value in changes:
            self._change_level(
                "EXEC catalog.set_customized_logging_level_value @level_name = ?, @property_name = ?, "
                "@property_value = ?;",
                [name, key, value],
                f"Changing the customized logging level {name!r}",
                name,
            )

    def delete_customized_logging_level(self, name: str) -> None:
        """Delete a customized logging level.

        :param name: its name.
        :raises LoggingLevelNotFound: there is no such level; the message shows the nearest names.
        :raises PermissionDenied: the login is neither ssis_admin nor sysadmin.
        """
        check_arguments(customized_logging_level=name)
        self._change_level(
            "EXEC catalog.delete_customized_logging_level @level_name = ?;",
            [name],
            f"Deleting the customized logging level {name!r}",
            name,
        )

    def _change_level(self, call: str, values: list[MarkerValue], doing: str, level: str) -> None:
        refusal = explain_refusal(self._session, doing, role=ADMIN_ROLE)

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if isinstance(error, LoggingLevelNotFound):
                known = [each.name for each in self.customized_logging_levels()]
                # Each login sees all of them.
                error.advice = existing_names("customized logging level", level, known) if known else "There are none."
                return error
            return refusal(error, row)

        batch = guarded(f"{call}\nSELECT 1 AS done;", values)
        self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED, explain=explain)


def _events_value(events: LoggedEvents, context_of: LoggedEvents) -> int:
    return int(events) | int(context_of) << CONTEXT_SHIFT
