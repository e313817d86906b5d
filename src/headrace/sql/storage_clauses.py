"""How a table is stored: which clauses of CREATE TABLE are recorded, which are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from headrace.sql.dialects import Dialect
from headrace.sql.engine import StatementNotTranslated
from headrace.sql.external import FORMATS

# without meaning for the rows: where and how the cluster keeps them
_WITHOUT_EFFECT = (
    exp.ClusteredByProperty,
    exp.DistributedByProperty,
    exp.DistKeyProperty,
    exp.SortKeyProperty,
    exp.EngineProperty,
    exp.CharacterSetProperty,
    exp.CollateProperty,
    exp.OnCluster,
    exp.Order,
    exp.DuplicateKeyProperty,
    exp.RowFormatProperty,
    exp.Cluster,
)
_HIVE_FORMATS = {"textfile": "csv", "parquet": "parquet", "jsonfile": "json", "csv": "csv", "json": "json"}


def recorded(create: exp.Create, dialect: Dialect) -> dict[str, Any]:
    """What the storage clauses of a CREATE TABLE say; ``location`` only where the rows are files to be read."""
    storage: dict[str, Any] = {}
    for clause in _properties(create):
        if isinstance(clause, _WITHOUT_EFFECT):
            continue
        _reader(clause)(clause, storage)
    if "location" in storage and not (storage.pop("external", False) or dialect.name == "spark"):
        storage["managed_location"] = storage.pop("location")
    if "location" in storage:
        _readable(storage)
    return storage


def directory(insert: exp.Insert) -> dict[str, Any]:
    """What an INSERT OVERWRITE DIRECTORY says of the files it writes."""
    storage: dict[str, Any] = {"location": insert.this.this.name, "external": True}
    for clause in (insert.args.get("stored"), insert.this.args.get("row_format")):
        if isinstance(clause, exp.Expr):
            _reader(clause)(clause, storage)
    _readable(storage)
    return storage


def _properties(create: exp.Create) -> list[exp.Expr]:
    properties = create.args.get("properties")
    return properties.expressions if properties is not None else []


def _readable(storage: dict[str, Any]) -> None:
    declared = str(storage.get("format", "textfile")).lower()
    storage["format"] = storage.get("serde_format") or _HIVE_FORMATS.get(declared, declared)
    if storage["format"] not in FORMATS:
        raise StatementNotTranslated(f"Files of the format {declared} cannot be read by the embedded engine.")
    if storage["format"] == "csv" and storage.get("data_source"):
        _data_source_csv(storage)
    if storage["format"] == "csv" and storage.get("escape") and not storage.get("quote"):
        raise StatementNotTranslated("Text files with ESCAPED BY cannot be read by the embedded engine.")
    if not storage["location"].startswith("obs://"):
        raise StatementNotTranslated("An external table needs a location of the form obs://bucket/folder.")


def _reader(clause: exp.Expr) -> Callable[[Any, dict[str, Any]], None]:
    for kind, reader in _READERS.items():
        if isinstance(clause, kind):
            return reader
    raise StatementNotTranslated(f"CREATE TABLE with {type(clause).__name__} has no equal on the embedded engine.")


def _format(clause: exp.FileFormatProperty, storage: dict[str, Any]) -> None:
    storage["format"] = clause.this.name if isinstance(clause.this, exp.Expr) else str(clause.this)
    storage["data_source"] = not clause.args.get("hive_format", False)


def _location(clause: exp.LocationProperty, storage: dict[str, Any]) -> None:
    storage["location"] = clause.this.name


def _external(clause: exp.ExternalProperty, storage: dict[str, Any]) -> None:
    storage["external"] = True


def _delimited(clause: exp.RowFormatDelimitedProperty, storage: dict[str, Any]) -> None:
    for key, name in (("fields", "delimiter"), ("escaped", "escape"), ("null", "null")):
        if clause.args.get(key) is not None:
            storage[name] = _unescaped(clause.text(key))
    for key in ("collection_items", "map_keys"):
        if clause.args.get(key) is not None:
            raise StatementNotTranslated("Collections inside text files cannot be read by the embedded engine.")


def _serde(clause: exp.RowFormatSerdeProperty, storage: dict[str, Any]) -> None:
    name = clause.this.name.rsplit(".", 1)[-1].lower()
    if "json" in name:
        storage["serde_format"] = "json"
    elif name == "opencsvserde":
        storage |= {"delimiter": ",", "quote": '"', "escape": "\\", "null": ""}
    elif name != "lazysimpleserde":
        storage["format"] = name
    options = clause.args.get("serde_properties")
    for option in options.expressions if options is not None else []:
        _option(option, storage)


def _options(clause: exp.Expr, storage: dict[str, Any]) -> None:
    for option in clause.expressions:
        _option(option, storage)


def _data_source_csv(storage: dict[str, Any]) -> None:
    """What Spark's CSV files are like unless OPTIONS say otherwise."""
    for name, default in (("delimiter", ","), ("quote", '"'), ("escape", "\\"), ("null", "")):
        storage.setdefault(name, default)


def _option(option: exp.Expr, storage: dict[str, Any]) -> None:
    """A ``'key'='value'`` of TBLPROPERTIES, SERDEPROPERTIES or OPTIONS; what is not about reading is only kept."""
    key, value = option.this.name.lower(), _unescaped(option.text("value"))
    if key in _OPTIONS:
        storage[_OPTIONS[key]] = value
    elif key == "header":
        storage["skip"] = 1 if value.lower() == "true" else 0
    elif key == "skip.header.line.count":
        storage["skip"] = int(value) if value.isdigit() else 0
    else:
        storage.setdefault("properties", {})[key] = value


_OPTIONS = {
    "path": "location",
    "delimiter": "delimiter",
    "sep": "delimiter",
    "field.delim": "delimiter",
    "serialization.format": "serialization",
    "separatorchar": "delimiter",
    "quotechar": "quote",
    "escapechar": "escape",
    "quote": "quote",
    "escape": "escape",
    "nullvalue": "null",
    "serialization.null.format": "null",
}


def _unescaped(text: str) -> str:
    r"""``\001`` and ``\t`` as Hive's DDL means them."""
    if len(text) == 4 and text.startswith("\\") and text[1:].isdigit():
        return chr(int(text[1:], 8))
    return {"\\t": "\t", "\\n": "\n", "\\\\": "\\"}.get(text, text)


def _nothing(clause: exp.Expr, storage: dict[str, Any]) -> None:
    """Read elsewhere: partition columns, comment, TEMPORARY."""


_READERS: dict[type[exp.Expr], Callable[[Any, dict[str, Any]], None]] = {
    exp.FileFormatProperty: _format,
    exp.LocationProperty: _location,
    exp.ExternalProperty: _external,
    exp.RowFormatDelimitedProperty: _delimited,
    exp.RowFormatSerdeProperty: _serde,
    exp.OptionsProperty: _options,
    exp.PartitionedByProperty: _nothing,
    exp.SchemaCommentProperty: _nothing,
    exp.TemporaryProperty: _nothing,
    exp.LikeProperty: _nothing,
    exp.Property: _option,
}
