"""Checks logins and opens sessions."""

from __future__ import annotations

import logging

from airflow_provider_ssis.emulator.session import Login, LoginRefused, Message
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.principals import Principal
from airflow_provider_ssis.emulator.tsql.system_procedures.table import SYSTEM_PROCEDURES

log = logging.getLogger(__name__)


class TsqlBackend:
    """The backend of the wire protocol.

    :param engine: the data and names of the server.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def server_name(self) -> str:
        """The name that errors carry."""
        return self._engine.product.server_name

    @property
    def product_version(self) -> tuple[int, int, int]:
        """Major, minor and build number."""
        return self._engine.product.version

    async def login(self, login: Login) -> TsqlSession:
        """Open a session.

        :raises LoginRefused: 18456 wrong user name or password, or a proven identity that is not a login here; 4060 no
            such database, or no user in it.
        """
        principal = self._principal(login)
        database = self._engine.metadata.database_name(login.database or "master")
        if database is None or not self._engine.may_use(principal, database):
            raise LoginRefused(
                Message(
                    4060, 11, 1, f'Cannot open database "{login.database}" requested by the login. The login failed.'
                )
            )
        return TsqlSession(SessionState(self._engine, principal, database, login), SYSTEM_PROCEDURES)

    def _principal(self, login: Login) -> Principal:
        logins, identity = self._engine.logins, login.identity
        if identity is None:
            principal = logins.check(login.user, login.password)
            if principal is None:
                raise LoginRefused(Message(18456, 14, 8, f"Login failed for user '{login.user}'."), wrong_proof=True)
            return self._enabled(principal)
        for name in (identity.name, *identity.also_known_as):
            principal = logins.by_name(name)
            if principal is not None and principal.kind.value == identity.kind:
                return self._enabled(principal)
        raise LoginRefused(Message(18456, 14, 5, f"Login failed for user '{identity.name}': there is no such login."))

    def _enabled(self, principal: Principal) -> Principal:
        login = self._engine.logins.login(principal.name)
        if login is not None and login.disabled:
            text = f"Login failed for user '{principal.name}'. Reason: The account is disabled."
            raise LoginRefused(Message(18470, 14, 1, text))
        return principal
