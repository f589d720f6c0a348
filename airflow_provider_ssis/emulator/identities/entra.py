"""Identities of Entra ID, as signed access tokens prove them."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.emulator.session import Identity, LoginRefused, Message

FEDERATED: Final = "FEDERATED"
AUDIENCE: Final = "https://database.windows.net/"
"""What a token for a SQL database is made for."""

_ALGORITHM: Final = "RS256"


class EntraIdentities:
    """Checks access tokens.

    :param key: the public key, in PEM, that signatures are checked with; None accepts no token.
    :param audience: what tokens must be made for.
    """

    def __init__(self, key: str | None = None, audience: str = AUDIENCE) -> None:
        self._key = key
        self._audiences = [audience, audience.rstrip("/")]

    def identify(self, token: str) -> Identity:
        """Who a token is about: a user by its principal name, an application as ``client id@tenant id``.

        :raises LoginRefused: it is not signed by the key, out of date, made for something else, or names nobody.
        """
        if self._key is None:
            raise _refused("this server has no key to check access tokens with")
        import jwt

        try:
            claims = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], audience=self._audiences, options={"require": ["exp"]}
            )
        except jwt.ExpiredSignatureError:
            raise _refused("the access token is out of date") from None
        except jwt.InvalidAudienceError:
            raise _refused(f"the access token is not made for {self._audiences[0]}") from None
        except jwt.InvalidTokenError as error:
            raise _refused(f"the access token is not valid ({type(error).__name__})") from None
        return _identity(claims)


def _identity(claims: dict[str, Any]) -> Identity:
    user = claims.get("upn") or claims.get("preferred_username")
    if user:
        return Identity(str(user), "E", FEDERATED)
    application = claims.get("appid") or claims.get("azp")
    if not application:
        raise _refused("the access token names neither a user nor an application")
    return Identity(f"{application}@{claims.get('tid', '')}", "E", FEDERATED, also_known_as=(str(application),))


def _refused(why: str) -> LoginRefused:
    return LoginRefused(
        Message(18456, 14, 65, f"Login failed for the identity of the access token: {why}."), wrong_proof=True
    )
