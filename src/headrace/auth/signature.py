"""Request signatures with access key and secret key, in both layouts that clients of the service use.

``Access=<ak>`` is what the Python SDKs and the Terraform provider send, ``Credential=<ak>/<scope>`` what the Go client
sends. Source: API Gateway, "AK/SK Signing and Authentication Algorithm"; recipes checked against the clients' signers.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Self
from urllib.parse import quote, quote_plus, unquote_to_bytes

from headrace.errors import NotAuthenticated

ALGORITHM = "SDK-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=15)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_HASH = sha256(b"").hexdigest()

_HEX = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorization:
    """A parsed ``Authorization`` header; ``scope`` only in the layout with ``Credential=``."""

    access_key: str
    signed_headers: tuple[str, ...]
    signature: str
    scope: str | None = None

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read either layout. Raises NotAuthenticated naming the part that is missing or malformed."""
        algorithm, _, rest = header.strip().partition(" ")
        if algorithm != ALGORITHM:
            raise NotAuthenticated(f"Authorization does not begin with {ALGORITHM}.")
        parts: dict[str, str] = {}
        for piece in rest.split(","):
            name, _, value = piece.strip().partition("=")
            if name in parts:
                raise NotAuthenticated(f"Authorization has {name!r} twice.")
            parts[name] = value
        access_key, scope = parts.get("Access", ""), None
        if "Access" not in parts:
            access_key, _, scope = parts.get("Credential", "").partition("/")
        if not access_key:
            raise NotAuthenticated("Authorization names no access key (Access= or Credential=).")
        if not parts.get("SignedHeaders"):
            raise NotAuthenticated("Authorization has no SignedHeaders.")
        signature = parts.get("Signature", "").lower()
        if not _HEX.fullmatch(signature):
            raise NotAuthenticated("Signature in Authorization is not 64 hexadecimal digits.")
        return cls(
            access_key=access_key,
            signed_headers=tuple(parts["SignedHeaders"].lower().split(";")),
            signature=signature,
            scope=scope,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request as it is on the wire.

    ``path`` and ``query`` are still percent-encoded, ``query`` without ``?``; header names are lower case, values are
    the header's bytes read as Latin-1, as servers hand them on.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes


def verify(request: Request, authorization: Authorization, secret: str, now: datetime) -> None:
    """Check that ``secret`` signed this request at most 15 minutes before or after ``now`` (aware).

    Raises NotAuthenticated saying what is wrong; what the signature should have been is never told.
    """
    headers = _by_name(request.headers)
    date = headers.get("x-sdk-date", "")
    _check_time(date, now)
    key = secret.encode()
    stamp = f"{ALGORITHM}\n{date}"
    if authorization.scope is not None:
        key = _scoped_key(key, authorization.scope, date)
        stamp = f"{stamp}\n{authorization.scope}"
    start = f"{request.method.upper()}\n{_canonical_path(request.path)}"
    end = _canonical_headers(headers, authorization)
    genuine = False
    for query, payload in _query_and_payload(request, headers.get("x-sdk-content-sha256"), authorization.scope):
        expected = _signature(key, stamp, f"{start}\n{query}\n{end}\n{payload}")
        genuine |= hmac.compare_digest(expected, authorization.signature)
    if not genuine:
        raise NotAuthenticated("the signature does not fit this request and access key.")


def sign(request: Request, access_key: str, secret: str, now: datetime) -> dict[str, str]:
    """The headers ``X-Sdk-Date`` and ``Authorization`` (layout ``Access=``) to add to a request that has ``host``."""
    date = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {**_by_name(request.headers), "x-sdk-date": date}
    headers.pop("authorization", None)
    names = tuple(sorted(name for name in headers if "_" not in name))
    unsigned = Authorization(access_key=access_key, signed_headers=names, signature="")
    query, payload = next(_query_and_payload(request, headers.get("x-sdk-content-sha256"), None))
    canonical = "\n".join(
        (
            request.method.upper(),
            _canonical_path(request.path),
            query,
            _canonical_headers(headers, unsigned),
            payload,
        )
    )
    signature = _signature(secret.encode(), f"{ALGORITHM}\n{date}", canonical)
    signed = f"{ALGORITHM} Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {"X-Sdk-Date": date, "Authorization": signed}


def _by_name(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Values by name; a repeated header counts as one with its values joined, so that none slips in unsigned."""
    found: dict[str, str] = {}
    for name, value in headers:
        value = value.strip()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _check_time(date: str, now: datetime) -> None:
    match = _TIME.fullmatch(date)
    if match is None:
        raise NotAuthenticated("X-Sdk-Date is missing or not of the form yyyyMMddTHHmmssZ.")
    try:
        signed_at = datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]  # six numbers
    except ValueError as error:
        raise NotAuthenticated(f"X-Sdk-Date {date} is no time.") from error
    if abs(now - signed_at) > MAX_SKEW:
        clock = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        raise NotAuthenticated(f"X-Sdk-Date {date} is more than 15 minutes from the server's time, {clock}.")


def _scoped_key(secret: bytes, scope: str, date: str) -> bytes:
    """The key of the layout with ``Credential=``; the scope is ``yyyyMMdd/region/service/sdk_request``."""
    parts = scope.split("/")
    if len(parts) != 4 or parts[3] != "sdk_request":
        raise NotAuthenticated("Credential is not of the form ACCESSKEY/yyyyMMdd/region/service/sdk_request.")
    if parts[0] != date[:8]:
        raise NotAuthenticated("the day in Credential is not the day of X-Sdk-Date.")
    key = b"SDK" + secret
    for part in parts:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical_path(path: str) -> str:
    """Decoded, split at slashes, encoded again, with a slash at its end."""
    encoded = path if _PLAIN_PATH.fullmatch(path) else quote(unquote_to_bytes(_octets(path)), safe="/~")
    return encoded if encoded.endswith("/") else encoded + "/"


def _canonical_headers(headers: Mapping[str, str], authorization: Authorization) -> str:
    """The signed headers with their values, an empty line, and the list of their names."""
    lines = []
    for name in authorization.signed_headers:
        if name not in headers:
            raise NotAuthenticated(f"the signed header {name!r} is not in the request.")
        value = headers[name]
        lines.append(f"{name}:{value if authorization.scope is None else _SPACES.sub(' ', value)}\n")
    return f"{''.join(lines)}\n{';'.join(authorization.signed_headers)}"


def _query_and_payload(request: Request, sent_hash: str | None, scope: str | None) -> Iterator[tuple[str, str]]:
    """The canonical query and payload hash; more than one pair where a client's reading cannot be seen from outside.

    A hash sent in X-Sdk-Content-Sha256 must be that of the body, or else anybody could send another body with it.
    """
    pairs = [_pair(piece) for piece in request.query.split("&") if piece]
    query = _canonical_query(pairs, scope)
    if sent_hash == UNSIGNED_PAYLOAD:
        yield query, UNSIGNED_PAYLOAD
        if not request.body:
            yield query, EMPTY_HASH  # the Python SDK's reading
        return
    payload = sha256(request.body).hexdigest()
    if sent_hash is not None and sent_hash.lower() != payload:
        raise NotAuthenticated("the body is not the one that X-Sdk-Content-Sha256 belongs to.")
    yield query, sent_hash or payload
    if scope is not None and pairs and not request.body and request.method.upper() == "POST":
        yield "", sha256(_form_encoded(pairs).encode()).hexdigest()  # the Go client's, when there is no body at all


def _pair(piece: str) -> tuple[bytes, bytes]:
    name, _, value = _octets(piece).replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _canonical_query(pairs: list[tuple[bytes, bytes]], scope: str | None) -> str:
    """Sorted by name, then value; the layout with a scope sorts encoded names without regard to case."""
    if not pairs:
        return ""
    encoded = [(quote(name, safe="~"), quote(value, safe="~")) for name, value in sorted(pairs)]
    if scope is not None:
        encoded.sort(key=lambda pair: pair[0].lower())
    return "&".join(f"{name}={value}" for name, value in encoded)


def _form_encoded(pairs: list[tuple[bytes, bytes]]) -> str:
    """As Go's ``url.Values.Encode`` writes it: by name, values in the order they came."""
    ordered = sorted(pairs, key=lambda pair: pair[0])
    return "&".join(f"{quote_plus(name, safe='~')}={quote_plus(value, safe='~')}" for name, value in ordered)


def _signature(key: bytes, stamp: str, canonical: str) -> str:
    to_sign = f"{stamp}\n{sha256(_octets(canonical)).hexdigest()}"
    return hmac.digest(key, _octets(to_sign), "sha256").hex()


def _octets(text: str) -> bytes:
    """Back to the bytes on the wire; text that never was on one (a caller of ``sign``) is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
