"""Signs S3 requests without a body, for keys that end in a slash: obstore cannot name them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

_EMPTY = hashlib.sha256(b"").hexdigest()


def encoded_path(bucket: str, key: str) -> str:
    """The path of an object's address, encoded as the signature wants it."""
    return quote(f"/{bucket}/{key}", safe="/-._~")


def signed_headers(
    method: str, host: str, path: str, *, access_key: str, secret_key: str, region: str, now: datetime
) -> Mapping[str, str]:
    """The headers of a request to an encoded path, without query and body. ``now`` is aware.

    Source: Amazon S3 API reference, "Signature Calculations for the Authorization Header" (AWS4-HMAC-SHA256).
    """
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": moment}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join((method, path, "", lines, names, _EMPTY))
    scope = f"{day}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _mac(key, part)
    signature = _mac(key, "\n".join(("AWS4-HMAC-SHA256", moment, scope, digest))).hex()
    credential = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": credential}


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
