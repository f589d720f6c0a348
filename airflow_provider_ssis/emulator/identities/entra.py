"""Identities of Entra ID, proven by signed access tokens."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.emulator.session import Identity, LoginRefused, Message

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

FEDERATED: Final = "FEDERATED"
AUDIENCE: Final = "https://database.windows.net/"
"""The audience of a token for a SQL database."""

_ALGORITHM: Final = "RS256"


class EntraIdentities:
    """Checks access tokens.

    :param key: the public key, in PEM, that signatures are checked with; None accepts no token.
    :param audience: the audience that tokens must have.
    :raises ValueError: the key is not a public key.
    """

    def __init__(self, key: str | None = None, audience: str = AUDIENCE) -> None:
        self._key = None if key is None else _public_key(key)
        self._audiences = [audience, audience.rstrip("/")]

    def identify(self, token: str) -> Identity:
        """The identity in a token: a user by its principal name, an application as ``client id@tenant id``.

        :raises LoginRefused: it is not signed by the key, has expired, is for another audience, or names no identity.
        """
        if self._key is None:
            raise _refused("this server has no key to check access tokens with")
        import jwt

        try:
            claims = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], audience=self._audiences, options={"require": ["exp"]}
            )
        except jwt.ExpiredSignatureError:
            raise _refused("the access token has expired") from None
        except jwt.InvalidAudienceError:
            raise _refused(f"the audience of the access token is not {self._audiences[0]}") from None
        except jwt.InvalidTokenError as error:
            raise _refused(f"the access token is not valid ({type(error).__name__})") from None
        return _identity(claims)


def _public_key(text: str) -> RSAPublicKey:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    with suppress(ValueError):
        key = load_pem_public_key(text.encode())
        if isinstance(key, RSAPublicKey):
            return key
    raise ValueError("the key for access tokens is not an RSA public key in PEM (-----BEGIN PUBLIC KEY-----)")


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
