"""Where an object store is, by the inputs of its link."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from headrace.errors_cdm import CdmError
from headrace.transfer.options import Link

DEFAULT_REGION = "us-east-1"
_REGION = re.compile(r"(?:obs|s3|cos|oss)[.-]([a-z]+(?:-[a-z0-9]+)+)\.")  # obs.eu-de.otc.t-systems.com


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """``scheme`` and ``host`` (with its port) of a store, and who asks it.

    ``path_style``: whether buckets are always part of the path; None: where the name of the host says so.
    """

    scheme: str
    host: str
    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    region: str = DEFAULT_REGION
    path_style: bool | None = None

    @property
    def shown(self) -> str:
        """How messages call it."""
        return f"{self.scheme}://{self.host}"

    def by_host(self, bucket: str) -> bool:
        """Whether the bucket is a part of the name of the host: not of addresses, short names, nor one with dots."""
        if self.path_style is not None:
            return not self.path_style
        return not _is_local(self.host) and "." not in bucket

    def of_bucket(self, bucket: str) -> str:
        """The address that a client of the bucket needs."""
        return f"{self.scheme}://{bucket}.{self.host}" if self.by_host(bucket) else self.shown


def endpoint_of(link: Link) -> Endpoint | None:
    """The endpoint of a link; None where it names no server or has no keys. Raises CdmError.

    ``server`` may have a scheme; without one, port 80 is HTTP, 443 HTTPS, another HTTP for addresses and short names.
    ``region`` and ``pathStyle`` are our own. Source: CDM API reference, link to OBS.
    """
    server = (link.text("server") or link.text("ossEndpoint")).strip()
    access_key, secret_key = link.text("accessKey").strip(), link.text("securityKey").strip()
    if not server or not access_key or not secret_key:
        return None
    scheme, host = _address(link, server)
    found = _REGION.match(host)
    return Endpoint(
        scheme=scheme,
        host=host,
        access_key=access_key,
        secret_key=secret_key,
        token=link.text("securityToken"),
        region=link.text("region") or link.text("zone") or (found[1] if found else DEFAULT_REGION),
        path_style=link.flag("pathStyle") if link.text("pathStyle") else None,
    )


def _address(link: Link, server: str) -> tuple[str, str]:
    """Scheme and host with port."""
    try:
        parts = urlsplit(server if "://" in server else f"//{server}")
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise CdmError(f"linkConfig.server: {server!r} is no address.") from error
    if not name or parts.scheme not in ("", "http", "https") or parts.path.strip("/") or parts.query or parts.username:
        raise CdmError(f"linkConfig.server: {server!r} is no address of a store.")
    port = port or link.number("port", 0, 0, 65_535) or None
    name = f"[{name}]" if ":" in name else name
    scheme = parts.scheme or ("http" if port == 80 or (port not in (None, 443) and _is_local(name)) else "https")
    return scheme, name if port in (None, {"http": 80, "https": 443}[scheme]) else f"{name}:{port}"


def _is_local(host: str) -> bool:
    """An address, or a name without a dot: no bucket can be a part of it."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name
    return True
