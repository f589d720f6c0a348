"""AT TIME ZONE."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.query.binder import only
from airflow_provider_ssis.emulator.tsql.query.functions.table import taken
from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder, ValueRule

# Windows' names for time zones that SSIS servers commonly have; any name of the IANA database works too.
_WINDOWS_ZONES: Final = {
    "utc": "UTC",
    "gmt standard time": "Europe/London",
    "greenwich standard time": "Atlantic/Reykjavik",
    "w. europe standard time": "Europe/Berlin",
    "central europe standard time": "Europe/Budapest",
    "central european standard time": "Europe/Warsaw",
    "romance standard time": "Europe/Paris",
    "fle standard time": "Europe/Kiev",
    "gtb standard time": "Europe/Bucharest",
    "russian standard time": "Europe/Moscow",
    "turkey standard time": "Europe/Istanbul",
    "israel standard time": "Asia/Jerusalem",
    "arabian standard time": "Asia/Dubai",
    "india standard time": "Asia/Kolkata",
    "china standard time": "Asia/Shanghai",
    "singapore standard time": "Asia/Singapore",
    "tokyo standard time": "Asia/Tokyo",
    "korea standard time": "Asia/Seoul",
    "aus eastern standard time": "Australia/Sydney",
    "new zealand standard time": "Pacific/Auckland",
    "south africa standard time": "Africa/Johannesburg",
    "e. south america standard time": "America/Sao_Paulo",
    "eastern standard time": "America/New_York",
    "central standard time": "America/Chicago",
    "mountain standard time": "America/Denver",
    "us mountain standard time": "America/Phoenix",
    "pacific standard time": "America/Los_Angeles",
    "alaskan standard time": "America/Anchorage",
    "hawaiian standard time": "Pacific/Honolulu",
}


def _at_time_zone(binder: Binder, node: exp.AtTimeZone) -> Typed:
    only(node, "this", "zone")
    value = binder.value(node.this)
    if value.type.name not in ("datetime", "smalldatetime", "datetime2", "datetimeoffset"):
        raise SqlError(8116, f"AT TIME ZONE does not accept {value.type.name}. Convert it to datetime2 first.")
    zone = taken(binder, binder.value(node.args["zone"]), "text", "at time zone", 2)
    result = SqlType("datetimeoffset", scale=value.type.scale if value.type.scale is not None else 3)
    return binder.call("at time zone", _placed, [value, zone], result)


def _placed(value: dt.datetime, name: str) -> Any:
    """A value without an offset is in the zone; one with an offset is shown in it."""
    zone = _zone(name)
    local = value.astimezone(zone) if value.tzinfo is not None else value.replace(tzinfo=zone)
    return local.replace(tzinfo=dt.timezone(local.utcoffset() or dt.timedelta(0)))


def _zone(name: str) -> dt.tzinfo:
    known = _WINDOWS_ZONES.get(name.strip().lower())
    if known == "UTC":
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(known or name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise SqlError(9820, f"The time zone {name!r} is unknown.") from None


VALUES: Final[dict[type[exp.Expr], ValueRule]] = {exp.AtTimeZone: _at_time_zone}
