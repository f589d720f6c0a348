"""The two ciphers with which SSIS protects files by password: keys, encryption and decryption of bytes.

Triple DES is the form of SQL Server 2005 to 2016. Its key comes from the password alone, as Windows' ``CryptDeriveKey``
derives it with SHA-1: the stored salt is not used, so all files with one password have one key.

AES-256 is the form since SQL Server 2017. Its key comes from password and salt by PBKDF2 with HMAC-SHA-1 and 1000
rounds, and the initialisation vector is the continuation of the key. Microsoft does not document that; the source is a
public report of a program that reads and writes such projects (ssis-build, number 25). Each value shows it again: a
wrong key gives no XML, and the derived vector equals the stored one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherAlgorithm

_ROUNDS = 1000
_XML_ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"


@dataclass(frozen=True, slots=True)
class PasswordCipher:
    """A cipher whose key comes from a password.

    :param name: its name in XML Encryption: ``aes256-cbc``.
    :param key_bytes: the size of a key.
    :param block_bytes: the size of a block, and of an initialisation vector.
    :param salt_bytes: the size of a salt.
    :param names_itself: values outside of packages carry the attribute ``Algorithm``.
    """

    name: str
    key_bytes: int
    block_bytes: int
    salt_bytes: int
    names_itself: bool

    @property
    def algorithm(self) -> str:
        """The identifier of the cipher in files."""
        return _XML_ENCRYPTION + self.name

    def derived_vector(self, password: str, salt: bytes) -> bytes | None:
        """Return the initialisation vector that follows from password and salt; None if any vector is possible."""
        return _derived(password, salt)[1] if self is AES_256 else None

    def encrypt(self, password: str, salt: bytes, vector: bytes, data: bytes) -> bytes:
        """Encrypt a whole number of blocks.

        :param password: the password of the file.
        :param salt: the salt, which the file stores.
        :param vector: the initialisation vector, one block, which the file stores.
        :param data: the padded data.
        """
        encryptor = self._cipher(password, salt, vector).encryptor()
        return bytes(encryptor.update(data) + encryptor.finalize())

    def decrypt(self, password: str, salt: bytes, vector: bytes, data: bytes) -> bytes:
        """Decrypt a whole number of blocks; parameters as for :meth:`encrypt`.

        :raises ValueError: the initialisation vector or the data has a wrong size.
        """
        if len(vector) != self.block_bytes or not data or len(data) % self.block_bytes:
            raise ValueError("it is not a whole number of blocks")
        decryptor = self._cipher(password, salt, vector).decryptor()
        return bytes(decryptor.update(data) + decryptor.finalize())

    def _cipher(self, password: str, salt: bytes, vector: bytes):  # type: ignore[no-untyped-def]  # a generic class
        # Imported late: most projects are not encrypted.
        from cryptography.hazmat.primitives.ciphers import Cipher, modes

        return Cipher(self._keyed(password, salt), modes.CBC(vector))

    def _keyed(self, password: str, salt: bytes) -> CipherAlgorithm:
        if self is AES_256:
            from cryptography.hazmat.primitives.ciphers.algorithms import AES

            return AES(_derived(password, salt)[0])
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

        return TripleDES(_triple_des_key(password))


TRIPLE_DES = PasswordCipher("tripledes-cbc", 24, 8, 7, names_itself=False)
AES_256 = PasswordCipher("aes256-cbc", 32, 16, 8, names_itself=True)
CIPHERS = (TRIPLE_DES, AES_256)


def cipher_of(algorithm: str) -> PasswordCipher | None:
    """Return the cipher that a file names; None if it is unknown.

    :param algorithm: its identifier in the file. Empty for Triple DES, which files need not name.
    """
    if not algorithm:
        return TRIPLE_DES
    return next((cipher for cipher in CIPHERS if cipher.algorithm == algorithm), None)


@lru_cache(maxsize=256)
def _derived(password: str, salt: bytes) -> tuple[bytes, bytes]:
    """Return the key and the initialisation vector of AES-256."""
    size = AES_256.key_bytes
    data = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, _ROUNDS, size + AES_256.block_bytes)
    return data[:size], data[size:]


def _triple_des_key(password: str) -> bytes:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest().ljust(64, b"\0")
    halves = (
        hashlib.sha1(bytes(byte ^ pad for byte in digest), usedforsecurity=False).digest() for pad in (0x36, 0x5C)
    )
    return bytes(_odd_parity(byte) for byte in b"".join(halves)[: TRIPLE_DES.key_bytes])


def _odd_parity(byte: int) -> int:
    return byte & 0xFE | ((byte >> 1).bit_count() + 1) % 2
