"""Files encrypted with AES-256-GCM while they are copied. Source: user guide, "Encryption and decryption"."""

from __future__ import annotations

import io
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from headrace.errors_cdm import CdmError, FileCheckFailed
from headrace.transfer.files.store import Output
from headrace.transfer.options import Options

KEY_BYTES, IV_BYTES, TAG_BYTES = 32, 16, 16
AES_256_GCM = "AES-256-GCM"

Key = tuple[bytes, bytes]  # a key and its initialisation vector


def key_of(options: Options, member: str) -> Key | None:
    """The key of a side, none where ``decryption`` or ``encryption`` is off. Raises CdmError, which never shows it.

    ``KMS`` is the business of the object store.
    """
    if options.choice(member, ("NONE", "KMS", AES_256_GCM), "NONE") != AES_256_GCM:
        return None
    return _hexadecimal(options, "dek", KEY_BYTES), _hexadecimal(options, "iv", IV_BYTES)


def _hexadecimal(options: Options, name: str, size: int) -> bytes:
    try:
        value = bytes.fromhex(options.required(name))
    except ValueError:
        value = b""
    if len(value) != size:
        raise CdmError(f"{options.section}.{name}: it must be {2 * size} hexadecimal digits.")
    return value


class Decrypted(io.RawIOBase, BinaryIO):
    """An encrypted stream in clear; its last 16 bytes are the tag.

    A wrong key, or a file that was changed, raises FileCheckFailed at the end; the original writes wrong data instead.
    """

    def __init__(self, stream: BinaryIO, key: Key) -> None:
        super().__init__()
        self._stream = stream
        self._cipher = Cipher(AES(key[0]), GCM(key[1])).decryptor()
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes in clear; few where ``size`` is few."""
        while not self._ended:
            block = self._stream.read(-1 if size is None else max(size, 1))
            self._held += block
            if not block:
                self._ended = True
                self._verify()
                return b""
            if len(self._held) > TAG_BYTES:
                data, self._held = self._held[:-TAG_BYTES], self._held[-TAG_BYTES:]
                return self._cipher.update(data)
        return b""

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill a buffer."""
        data = self.read(max(1, len(buffer) - TAG_BYTES))
        buffer[: len(data)] = data
        return len(data)

    def _verify(self) -> None:
        try:
            self._cipher.finalize_with_tag(self._held)
        except (InvalidTag, ValueError) as error:
            raise FileCheckFailed("An encrypted file does not fit the key and the initialisation vector.") from error


class Encrypted:
    """An output that encrypts what is written to it, and puts the tag behind."""

    def __init__(self, output: Output, key: Key) -> None:
        self._output = output
        self._cipher = Cipher(AES(key[0]), GCM(key[1])).encryptor()

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        self._output.write(self._cipher.update(data))
        return len(data)

    def finish(self) -> None:
        """Write the tag; nothing may be written then."""
        self._output.write(self._cipher.finalize() + self._cipher.tag)

    def close(self) -> None:
        """Put the file in place, whole; after ``finish``."""
        self._output.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._output.discard()
