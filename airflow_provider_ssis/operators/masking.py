"""Masking of the sensitive values among a task's arguments."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import PROTECTED_ARGUMENTS
from airflow_provider_ssis.executions.sensitive_values import SHORTEST_MASKED, protect, secrets_in


class SsisMaskingTask:
    """A task whose arguments may hold sensitive values. Stands before Airflow's base class in the list of bases."""

    def render_template(self, content: Any, *args: Any, **kwargs: Any) -> Any:
        """Render as Airflow does, and mask what is marked sensitive before it is shown anywhere."""
        parent: Any = super()
        rendered = parent.render_template(content, *args, **kwargs)
        for secret in secrets_in(rendered):
            if len(secret) >= SHORTEST_MASKED:
                mask_secret(secret)
        return rendered

    def _do_render_template_fields(self, parent: Any, *args: Any, **kwargs: Any) -> None:
        # Airflow's own, for mapped tasks too. Airflow stores and shows the rendered fields after it.
        base: Any = super()
        base._do_render_template_fields(parent, *args, **kwargs)
        for name, names in PROTECTED_ARGUMENTS.items():
            if (value := getattr(parent, name, None)) is not None:
                try:
                    setattr(parent, name, protect(name, value, names=names))
                except InvalidTaskArgument:
                    # Airflow may store the fields of a task that fails.
                    setattr(parent, name, None)
                    raise
