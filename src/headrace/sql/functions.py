"""Functions whose namesake in DuckDB means something else, or that DuckDB lacks.

Each correction is an expression of DuckDB with ``_1``, ``_2`` ... for the arguments. A function that neither sqlglot
nor these tables know is refused: the engine may have one of that name with another meaning. Sources: Hive wiki
"LanguageManual UDF", Spark SQL "Built-in Functions", MySQL and Trino manuals.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import exp

from headrace.sql.dialects import Dialect
from headrace.sql.engine import StatementNotTranslated

HIVE_LIKE = frozenset({"hive", "impala", "spark"})
TEXT_DATES = HIVE_LIKE | {"mysql", "doris"}  # a text is taken for a date where one is needed
_INTEGERS = (exp.DataType.Type.INT, exp.DataType.Type.BIGINT, exp.DataType.Type.SMALLINT, exp.DataType.Type.TINYINT)

# functions sqlglot does not know, by name; the same in every dialect that has them
_UNKNOWN_TO_SQLGLOT = {
    "pmod": "((_1 % _2) + _2) % _2",
    "isnotnull": "_1 IS NOT NULL",
    "find_in_set": "COALESCE(LIST_POSITION(STR_SPLIT(_2, ','), _1), 0)",
    "weekday": "ISODOW(CAST(_1 AS DATE)) - 1",
    "to_utc_timestamp": "(CAST(_1 AS TIMESTAMP) AT TIME ZONE _2) AT TIME ZONE 'UTC'",
    "from_utc_timestamp": "(CAST(_1 AS TIMESTAMP) AT TIME ZONE 'UTC') AT TIME ZONE _2",
    "cardinality": "COALESCE(LEN(_1), -1)",
    "json_unquote": "JSON_EXTRACT_STRING(_1, '$')",
    "timestamp_seconds": "CAST(TO_TIMESTAMP(_1) AS TIMESTAMP)",
    "now": "CAST(GET_CURRENT_TIMESTAMP() AS TIMESTAMP)",
}
_BY_COUNT = {  # with other meanings by how many arguments there are
    ("isnull", 1): "_1 IS NULL",
    ("isnull", 2): "COALESCE(_1, _2)",
    ("bround", 1): "ROUND_EVEN(_1, 0)",
    ("bround", 2): "ROUND_EVEN(_1, _2)",
}
# the same name and meaning in DuckDB
_SAME = frozenset({"bin", "make_date", "printf", "nextval", "listagg", "grouping", "len", "map_keys", "map_values"})

_INTEGER_CAST = (  # Hive and Spark cut decimals off; DuckDB rounds
    "CASE WHEN TYPEOF(_1) IN ('FLOAT', 'DOUBLE') THEN TRY_CAST(TRUNC(TRY_CAST(_1 AS DOUBLE)) AS {type}) "
    "WHEN TYPEOF(_1) = 'VARCHAR' OR TYPEOF(_1) LIKE 'DECIMAL%' "
    "THEN TRY_CAST(SPLIT_PART(CAST(_1 AS TEXT), '.', 1) AS {type}) ELSE TRY_CAST(_1 AS {type}) END"
)
_ADD_MONTHS_HIVE = (  # the last day of a month stays the last day
    "CASE WHEN CAST(_1 AS DATE) = LAST_DAY(CAST(_1 AS DATE)) "
    "THEN LAST_DAY(CAST(CAST(_1 AS DATE) + TO_MONTHS(_2) AS DATE)) "
    "ELSE CAST(CAST(_1 AS DATE) + TO_MONTHS(_2) AS DATE) END"
)
_SUBSTRING_INDEX = (
    "CASE WHEN _3 > 0 THEN ARRAY_TO_STRING(LIST_SLICE(STR_SPLIT(_1, _2), 1, _3), _2) "
    "WHEN _3 < 0 THEN ARRAY_TO_STRING(LIST_SLICE(STR_SPLIT(_1, _2), GREATEST(LEN(STR_SPLIT(_1, _2)) + _3 + 1, 1), "
    "LEN(STR_SPLIT(_1, _2))), _2) ELSE '' END"
)
_STR_TO_MAP = (
    "MAP_FROM_ENTRIES(LIST_TRANSFORM(STR_SPLIT(_1, _2), "
    "LAMBDA pair : ROW(STR_SPLIT(pair, _3)[1], STR_SPLIT(pair, _3)[2])))"
)
_DISTINCT = (  # in the order in which they come, NULL too
    "LIST_FILTER(_1, LAMBDA item, number : LIST_POSITION(_1, item) IS NOT DISTINCT FROM number)"
)
_JOINED = (  # LIST_AGGREGATE of no text is NULL
    "CASE WHEN _1 IS NULL THEN NULL ELSE COALESCE(ARRAY_TO_STRING(LIST_CONCAT({pieces}), _1), '') END"
)
_PIECE = (  # a text or a list of texts, which only the engine knows when it is a column
    "CASE WHEN TYPEOF(_{n}) LIKE '%[]' THEN CAST(TO_JSON(_{n}) AS TEXT[]) ELSE [CAST(_{n} AS TEXT)] END"
)
_UNITS = {"mm": "month", "mon": "month", "yy": "year", "yyyy": "year", "q": "quarter", "dd": "day"}


def correct(tree: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Give every function and cast of ``tree`` the meaning it has in ``dialect``. Raises StatementNotTranslated."""
    kinds = (exp.Func, exp.DataType, exp.Column, exp.Binary, exp.QueryTransform)
    for node in reversed(list(tree.find_all(*kinds))):
        better = _corrected(node, dialect)
        if better is not None:
            node.replace(better)
    return tree


def fill(template: str, *arguments: exp.Expr) -> exp.Expr:
    """The expression of a template with its arguments in place of ``_1``, ``_2`` ..."""
    tree = _parsed(template).copy()
    for column in list(tree.find_all(exp.Column)):
        if re.fullmatch(r"_\d+", column.name):
            argument = arguments[int(column.name[1:]) - 1].copy()
            safe = argument if isinstance(argument, exp.Func | exp.Literal | exp.Column) else exp.Paren(this=argument)
            column.replace(safe)
    return exp.Paren(this=tree)


@functools.cache
def _parsed(template: str) -> exp.Expr:
    return sqlglot.parse_one(template, read="duckdb")


def _corrected(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    if isinstance(node, exp.Anonymous):
        return _anonymous(node, dialect)
    for kind, correction in _CORRECTIONS.items():
        if isinstance(node, kind):
            return correction(node, dialect)
    return None


def _anonymous(node: exp.Anonymous, dialect: Dialect) -> exp.Expr | None:
    name, arguments = node.name.lower(), node.expressions
    if (name, len(arguments)) in _BY_COUNT:
        return fill(_BY_COUNT[name, len(arguments)], *arguments)
    if name == "field" and len(arguments) > 1:
        return fill(f"COALESCE(LIST_POSITION({_list(2, len(arguments))}, _1), 0)", *arguments)
    if name == "unix_timestamp" and dialect.name in TEXT_DATES and len(arguments) == 1:
        return fill("CAST(EPOCH(CAST(CAST(_1 AS TIMESTAMP) AS TIMESTAMPTZ)) AS BIGINT)", *arguments)
    if name in _UNKNOWN_TO_SQLGLOT:
        return fill(_UNKNOWN_TO_SQLGLOT[name], *arguments)
    if name in _SAME:
        return None
    raise StatementNotTranslated(f"The function {node.name} is not known for {dialect.name} on the embedded engine.")


def _list(first: int, last: int) -> str:
    """A list of arguments, for a template."""
    return "[" + ", ".join(f"_{number}" for number in range(first, last + 1)) + "]"


def _elt(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """The text of that number, NULL where there is none."""
    chosen = _list(2, len(node.expressions) + 1)
    return fill(f"CASE WHEN _1 > 0 THEN LIST_EXTRACT({chosen}, _1) END", node.this, *node.expressions)


def _cast(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    value, to = node.this, node.args["to"]
    if dialect.name not in HIVE_LIKE or to.this not in _INTEGERS or (isinstance(value, exp.Literal) and value.is_int):
        return None
    return fill(_INTEGER_CAST.format(type=to.this.value), value)


def _type(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """Spark's and MySQL's TIMESTAMP has no zone of its own here; DWS's TIMESTAMPTZ keeps it."""
    zoned = (exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ)
    if node.this in zoned and dialect.name in TEXT_DATES:
        return exp.DataType.build("timestamp")
    return None


def _division(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """Division by zero is an error in PostgreSQL and Presto; DuckDB answers infinity or NULL."""
    divisor = node.expression
    if not dialect.integer_division or (isinstance(divisor, exp.Literal) and divisor.this.strip("0.") != ""):
        return None
    guarded = fill("CASE WHEN _1 = 0 THEN ERROR('division by zero') ELSE _1 END", divisor)
    return exp.Div(this=node.this.copy(), expression=guarded, typed=node.args.get("typed"), safe=node.args.get("safe"))


def _greatest(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """NULL when one argument is NULL (Hive, Impala); sqlglot knows MySQL's and Presto's, Spark and DWS skip NULL."""
    if dialect.name not in ("hive", "impala"):
        return None
    arguments = [node.this, *node.expressions]
    nulls = exp.or_(*[exp.Is(this=argument.copy(), expression=exp.null()) for argument in arguments])
    return exp.Paren(this=exp.Case(ifs=[exp.If(this=nulls, true=exp.null())], default=node.copy()))


def _substring(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    start = node.args.get("start")
    if start is None or (isinstance(start, exp.Literal) and start.this != "0") or dialect.name == "postgres":
        return None
    if isinstance(start, exp.Neg) and isinstance(start.this, exp.Literal):
        return None
    if dialect.name in HIVE_LIKE:  # position 0 is position 1
        node.set("start", fill("CASE WHEN _1 = 0 THEN 1 ELSE _1 END", start))
        return None
    return fill("CASE WHEN _1 = 0 THEN '' ELSE _2 END", start, node)  # MySQL, Presto


def _concat_ws(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """Lists among the arguments are joined too (Hive, Spark, Presto); DuckDB would write them as ``[a, b]``."""
    if dialect.name not in HIVE_LIKE | {"presto", "trino"}:
        return None
    pieces = ", ".join(_PIECE.format(n=number) for number in range(2, len(node.expressions) + 1))
    return fill(_JOINED.format(pieces=pieces), *node.expressions)


def _like(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """The backslash escapes in the patterns of LIKE unless ESCAPE says otherwise; in Presto and DuckDB nothing does."""
    pattern = node.expression
    if dialect.name in ("presto", "trino") or isinstance(node.parent, exp.Escape):
        return None
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.this:
        return None
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))


def _by_template(template: str, *dialects: str) -> Callable[[exp.Expr, Dialect], exp.Expr | None]:
    def correction(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
        if dialects and dialect.name not in dialects:
            return None
        return fill(template, *_arguments(node))

    return correction


def _arguments(node: exp.Expr) -> Sequence[exp.Expr]:
    """The arguments of a typed function in the order in which they are written."""
    written = [node.args.get(key) for key in node.arg_types]
    return [argument for argument in written if isinstance(argument, exp.Expr)]


def _on_date(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """Part of a date given as text: the engine wants to be told that it is a date."""
    if dialect.name in TEXT_DATES and not isinstance(node.this, exp.TsOrDsToDate | exp.Cast):
        node.set("this", fill("TRY_CAST(_1 AS TIMESTAMP)", node.this))
    if isinstance(node, exp.DayOfWeek) and dialect.name in TEXT_DATES:  # Sunday is 1, in DuckDB 0
        return fill("DAYOFWEEK(_1) + 1", node.this)
    return None


def _date_truncated(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    if dialect.name not in HIVE_LIKE:
        return None
    unit = node.args["unit"].name.lower()
    is_trunc = isinstance(node, exp.DateTrunc) == (dialect.name == "spark")  # sqlglot swaps the two for Hive
    kind = "DATE" if is_trunc else "TIMESTAMP"
    template = f"CAST(DATE_TRUNC('{_UNITS.get(unit, unit)}', TRY_CAST(_1 AS TIMESTAMP)) AS {kind})"
    if not re.fullmatch(r"[a-z]+", unit):
        raise StatementNotTranslated("The unit of a truncated date must be a word in quotes.")
    return fill(template, node.this)


def _add_months(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    if dialect.name not in HIVE_LIKE:
        return None
    if node.args.get("preserve_end_of_month") is not None:  # the third argument, which is a pattern in Hive 4
        return _refused(node, dialect)
    if dialect.name == "spark":
        return fill("CAST(CAST(_1 AS DATE) + TO_MONTHS(_2) AS DATE)", node.this, node.expression)
    return fill(_ADD_MONTHS_HIVE, node.this, node.expression)


def _date_added(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    if dialect.name in ("mysql", "doris") and not isinstance(node, exp.TsOrDsAdd):
        node.set("this", fill("CAST(_1 AS TIMESTAMP)", node.this))
        return None
    if dialect.name in ("presto", "trino"):
        return _interval_added(node, dialect)
    return fill("CAST(_1 AS DATE)", node) if dialect.name in HIVE_LIKE else None


def _interval_added(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """date + interval n day is a date outside PostgreSQL; seen only where the date is written as one."""
    interval = node if isinstance(node, exp.DateAdd | exp.DateSub) else node.expression
    whole = interval.text("unit").upper().rstrip("S") in ("DAY", "MONTH", "YEAR")
    is_date = isinstance(node.this, exp.Cast) and node.this.to.this == exp.DataType.Type.DATE
    if dialect.name == "postgres" or not whole or not is_date:
        return None
    return fill("CAST(_1 AS DATE)", node)


def _days_apart(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """MySQL's to_days, a difference in sqlglot's eyes, counts from a year 0 without the leap day of DuckDB's."""
    beginning = [each for each in node.expression.find_all(exp.Literal) if each.this == "0000-01-01"]
    return fill("_1 - 1", node) if beginning and dialect.name in ("mysql", "doris") else None


def _whole_units_apart(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """MySQL's timestampdiff counts units that are over; DuckDB's DATE_DIFF counts the boundaries between."""
    unit = node.text("unit").lower()
    if dialect.name not in ("mysql", "doris") or not re.fullmatch(r"[a-z]+", unit):
        return None
    template = f"DATESUB('{unit}', CAST(_1 AS TIMESTAMP), CAST(_2 AS TIMESTAMP))"
    return fill(template, node.expression, node.this)


def _length(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """MySQL's length counts bytes."""
    return fill("STRLEN(_1)", node.this) if node.args.get("binary") and dialect.name in ("mysql", "doris") else None


def _unix_seconds(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    if not isinstance(node, exp.StrToUnix) or node.this is None:
        return fill("CAST(EPOCH(GET_CURRENT_TIMESTAMP()) AS BIGINT)")
    _pattern(node, dialect)
    node.set("this", fill("CAST(_1 AS TEXT)", node.this))
    moment = exp.StrToTime(this=node.this.copy(), format=node.args["format"].copy(), safe=True)
    return fill("CAST(EPOCH(CAST(_1 AS TIMESTAMPTZ)) AS BIGINT)", moment)


def _pattern(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """A date pattern must be a text, with no letter left that sqlglot did not translate."""
    pattern = node.args.get("format")
    if pattern is None:
        return None
    if not isinstance(pattern, exp.Literal):
        raise StatementNotTranslated("A date pattern must be a text written in the statement.")
    rest = re.sub(r"%-?[A-Za-z%](?:strict)?", "", pattern.this)  # "strict" is sqlglot's mark for two digits
    if re.search(r"[A-Za-z]", rest):
        raise StatementNotTranslated(
            f"The date pattern {pattern.this!r} has letters the embedded engine does not know."
        )
    return None


def _regexp(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """MySQL's REGEXP does not mind capitals."""
    if dialect.name == "mysql":
        node.set("flag", exp.Literal.string("i"))
    return None


def _week(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """MySQL's weeks begin on Sunday unless told otherwise."""
    return _refused(node, dialect) if dialect.name in ("mysql", "doris") else None


def _refused(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    raise StatementNotTranslated(f"{node.sql(dialect=dialect.grammar)[:80]} has no equal on the embedded engine.")


def _column(node: exp.Expr, dialect: Dialect) -> exp.Expr | None:
    """DWS knows sysdate without parentheses."""
    if dialect.name == "postgres" and node.name.lower() == "sysdate" and not node.args.get("table"):
        return fill("CAST(GET_CURRENT_TIMESTAMP() AS TIMESTAMP)")
    return None


_CORRECTIONS: dict[type[exp.Expr], Callable[[exp.Expr, Dialect], exp.Expr | None]] = {
    exp.Cast: _cast,  # with TryCast
    exp.DataType: _type,
    exp.Div: _division,
    exp.Like: _like,
    exp.ILike: _like,
    exp.ConcatWs: _concat_ws,
    exp.Greatest: _greatest,
    exp.Least: _greatest,
    exp.Substring: _substring,
    exp.SubstringIndex: _by_template(_SUBSTRING_INDEX),
    exp.StrToMap: _by_template(_STR_TO_MAP),
    exp.ApproxQuantile: _by_template("QUANTILE_DISC(_1, _2)"),  # one of the values; DuckDB's own rounds decimals
    exp.ArrayDistinct: _by_template(_DISTINCT, "hive", "impala", "spark"),
    exp.DayOfWeek: _on_date,
    exp.WeekOfYear: _on_date,
    exp.Quarter: _on_date,
    exp.Hour: _on_date,
    exp.Minute: _on_date,
    exp.Second: _on_date,
    exp.LastDay: _on_date,
    exp.NextDay: _on_date,
    exp.DateTrunc: _date_truncated,
    exp.TimestampTrunc: _date_truncated,
    exp.AddMonths: _add_months,
    exp.TsOrDsAdd: _date_added,
    exp.DateAdd: _date_added,
    exp.DateSub: _date_added,
    exp.DateDiff: _days_apart,
    exp.TimestampDiff: _whole_units_apart,
    exp.Length: _length,
    exp.Add: _interval_added,
    exp.Sub: _interval_added,
    exp.StrToUnix: _unix_seconds,
    exp.CurrentTimestamp: _by_template("CAST(GET_CURRENT_TIMESTAMP() AS TIMESTAMP)"),
    exp.TimeToStr: _pattern,
    exp.StrToTime: _pattern,
    exp.StrToDate: _pattern,
    exp.TsOrDsToDate: _pattern,
    exp.UnixToStr: _pattern,
    exp.UnixToTime: _by_template("CAST(TO_TIMESTAMP(_1) AS TIMESTAMP)"),
    exp.RegexpLike: _regexp,
    exp.Week: _week,
    exp.Elt: _elt,
    exp.SimilarTo: _refused,
    exp.CurrentUser: _refused,
    exp.Typeof: _refused,
    exp.QueryTransform: _refused,
    exp.ReadCSV: _refused,
    exp.ReadParquet: _refused,
    exp.Column: _column,
}
