"""Changes of the catalog's properties that the catalog refuses. They change nothing but the log of operations."""

from __future__ import annotations

from airflow_provider_ssis.verify.refusals import needs
from airflow_provider_ssis.verify.refusals.row import Refusal

_CALL = "EXEC catalog.configure_catalog @property_name = {name}, @property_value = {value};"


def _refusal(name: str, title: str, property_name: str, value: str, number: int) -> Refusal:
    call = _CALL.format(name=property_name, value=value)
    return Refusal(f"property_{name}", f"{title} gives {number}", call, number, needs.admin)


REFUSALS = (
    _refusal("null", "A property of the name NULL", "NULL", "N'1'", 27138),
    _refusal("value_null", "The value NULL of a property", "N'RETENTION_WINDOW'", "NULL", 27138),
    _refusal("unknown", "An unknown property", ":unknown", "N'1'", 27101),
    _refusal("retention_low", "A retention of 0 days", "N'RETENTION_WINDOW'", "N'0'", 27101),
    _refusal("retention_high", "A retention of 3651 days", "N'RETENTION_WINDOW'", "N'3651'", 27101),
    _refusal("versions_low", "Keeping 0 versions of a project", "N'MAX_PROJECT_VERSIONS'", "N'0'", 27101),
    _refusal("versions_high", "Keeping 10000 versions of a project", "N'MAX_PROJECT_VERSIONS'", "N'10000'", 27101),
    _refusal("operations", "A clean-up that is neither TRUE nor FALSE", "N'OPERATION_CLEANUP_ENABLED'", "N'1'", 27101),
    _refusal("clean_up", "A clean-up of versions that is YES", "N'VERSION_CLEANUP_ENABLED'", "N'YES'", 27101),
    _refusal("algorithm", "The encryption algorithm DES", "N'ENCRYPTION_ALGORITHM'", "N'DES'", 27101),
    _refusal("mode", "The default execution mode 2", "N'DEFAULT_EXECUTION_MODE'", "N'2'", 27101),
    _refusal("timeout", "Changing VALIDATION_TIMEOUT", "N'VALIDATION_TIMEOUT'", "N'300'", 27101),
    _refusal("schema", "Changing SCHEMA_VERSION", "N'SCHEMA_VERSION'", "N'1'", 27101),
    _refusal("scale_out", "Changing IS_SCALEOUT_ENABLED", "N'IS_SCALEOUT_ENABLED'", "N'TRUE'", 27101),
    _refusal("level", "The server's logging level 5", "N'SERVER_LOGGING_LEVEL'", "N'5'", 27217),
    _refusal(
        "level_unknown", "An unknown level as the server's", "N'SERVER_CUSTOMIZED_LOGGING_LEVEL'", ":unknown", 27237
    ),
)
