"""Opens the object store that a URL names."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from headrace.objectstore.base import ObjectStore
from headrace.objectstore.files import FileStore

ACCESS_KEY_VARIABLE = "HEADRACE_S3_ACCESS_KEY"
SECRET_KEY_VARIABLE = "HEADRACE_S3_SECRET_KEY"  # noqa: S105 - the name of a variable, not a secret


def open_store(
    url: str | None, home: Path, environment: Mapping[str, str] = os.environ, *, create_buckets: bool = True
) -> ObjectStore:
    """The store of ``url``, plain files in ``home/obs`` when there is none (``create_buckets`` is for those).

    ``file:///folder``, or an S3 endpoint: ``s3://host:port`` (over TLS), ``https://host`` or ``http://host:port``,
    each with ``?region=NAME`` (us-east-1 when absent) and ``&create_buckets=true`` where writing may make buckets.
    The keys of an endpoint come from HEADRACE_S3_ACCESS_KEY and HEADRACE_S3_SECRET_KEY. Raises ValueError for a URL
    or setting that does not do, without repeating secrets.
    """
    if url is None:
        return FileStore(home / "obs", create_buckets=create_buckets)
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _open_folder(parts)
    if parts.scheme in ("s3", "https", "http"):
        return _open_endpoint(parts, environment)
    raise ValueError(f"object store: scheme {parts.scheme!r} is unknown; use file, s3, https or http")


def _open_folder(parts: SplitResult) -> ObjectStore:
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ValueError("object store: a folder is written file:///absolute/path")
    return FileStore(Path(unquote(parts.path)))


def _open_endpoint(parts: SplitResult, environment: Mapping[str, str]) -> ObjectStore:
    if "@" in parts.netloc:
        raise ValueError(f"object store: keys go into {ACCESS_KEY_VARIABLE} and {SECRET_KEY_VARIABLE}, not the URL")
    if not parts.hostname or parts.path.strip("/"):
        raise ValueError("object store: an endpoint is written s3://host:port, without a path")
    query = parse_qs(parts.query)
    if unknown := set(query) - {"region", "create_buckets"}:
        raise ValueError(f"object store: unknown option {', '.join(sorted(unknown))}")
    missing = [name for name in (ACCESS_KEY_VARIABLE, SECRET_KEY_VARIABLE) if not environment.get(name)]
    if missing:
        raise ValueError(f"object store: {parts.netloc} needs {' and '.join(missing)} in the environment")
    scheme = "http" if parts.scheme == "http" else "https"
    store: ObjectStore = _s3_module().S3Store(
        f"{scheme}://{parts.netloc}",
        environment[ACCESS_KEY_VARIABLE],
        environment[SECRET_KEY_VARIABLE],
        query.get("region", ["us-east-1"])[0],
        create_buckets=query.get("create_buckets", ["false"])[0] == "true",
    )
    return store


def _s3_module() -> ModuleType:
    try:
        return importlib.import_module("headrace.objectstore.s3")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "obstore":
            raise
        raise ValueError(
            "object store: S3 endpoints need the extra headrace[s3] (pip install 'headrace[s3]')"
        ) from error
