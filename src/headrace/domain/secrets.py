"""Which members are secrets: sealed at rest, masked on read, left out of exports.

Source: factory-v1-notes §13 and §14.4 (connections), cdm-connectors.md §1 (links).
"""

from __future__ import annotations

CDM_PLACEHOLDER = "Add password here"

_CONNECTION = frozenset(
    {
        "password",
        "sk",
        "secretkey",
        "securitykey",
        "securitytoken",
        "accesskeysecret",
        "privatekey",
        "passphrase",
        "token",
        "keytab",
        "secretaccesskey",
    }
)
_CDM = frozenset({"password", "sk", "securitykey", "securitytoken", "keytab", "dek", "iv", "passphrase", "privatekey"})


def connection_secret(member: str) -> bool:
    """Whether a member of a connection's ``config`` is a secret; ``keystorePassword`` is one too, ``kmsKey`` a name."""
    name = member.replace("_", "").lower()
    return name in _CONNECTION or name.endswith("password")


def cdm_secret(input_name: str) -> bool:
    """Whether an input (``linkConfig.password``) of a CDM link or job is a secret."""
    name = input_name.rpartition(".")[2].replace("_", "").lower()
    return name in _CDM or name.endswith("password")


def map_secret(member: str) -> bool:
    """Whether an entry of a map (``jdbcProperties``, ``properties``) of a CDM link is a secret."""
    return member.lower() == "sasl.jaas.config" or cdm_secret(member) or connection_secret(member)


def is_cdm_placeholder(value: str) -> bool:
    """Whether a value stands for a secret that stays as it is."""
    return value.strip().rstrip(".") == CDM_PLACEHOLDER
