"""Casts of whole columns from one Arrow type to another, exact or refused; none works row by row on common data.

The table at the end says which kind becomes which. A cast is a list of kernels, each taking more forms than the one
before; a kernel raises where one cell has no value in the target's type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from functools import lru_cache

import pyarrow as pa

from headrace.errors_cdm import TypeUnsupported
from headrace.transfer.cast_kernels import (
    Kernel,
    bool_of_number,
    bool_of_text,
    bytes_of_text,
    cleaned,
    decimal_of_text,
    decimal_text,
    double_of_text,
    in_order,
    narrowed_float,
    nested_of_text,
    number_of_text,
    number_text,
    plain,
    text_of_bytes,
    to_type,
    uuid_of_text,
    uuid_text,
    without_hex,
)
from headrace.transfer.cast_times import (
    clock_of_duration,
    clock_of_text,
    clock_text,
    date_of_moment,
    date_of_text,
    date_text,
    duration_of_text,
    duration_text,
    interval_text,
    moment_of_moment,
    moment_of_text,
    moment_text,
)
from headrace.transfer.json_text import json_texts

Maker = Callable[[pa.DataType, pa.DataType, tzinfo], Sequence[Kernel]]
_SHORT = 64  # cells
FAILURES = (pa.ArrowException, ValueError, TypeError, ArithmeticError)  # a cell that has no value in the target's type

_KINDS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_null, "null"),
    (pa.types.is_string, "text"),
    (pa.types.is_binary, "bytes"),
    (pa.types.is_boolean, "bool"),
    (pa.types.is_integer, "int"),
    (pa.types.is_floating, "float"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "moment"),
    (pa.types.is_time, "clock"),
    (pa.types.is_duration, "duration"),
    (pa.types.is_interval, "interval"),
    (pa.types.is_nested, "nested"),
)


@lru_cache(maxsize=4096)
def cast_of(source: pa.DataType, target: pa.DataType, zone: tzinfo) -> tuple[Kernel, ...]:
    """The kernels that make one type of the other; none where they are the same. Raises TypeUnsupported."""
    if source == target:
        return ()
    before, plain_source = _simplified(source)
    after, plain_target = _completed(target)
    kinds = (_kind(source, plain_source), _kind(target, plain_target))
    if kinds[0] == "null":
        return (to_type(target),)
    maker = _CASTS.get(kinds)
    if maker is None:
        raise TypeUnsupported(f"{source} cannot become {target}.")
    kernels = tuple(in_order(before, kernel, after) for kernel in maker(plain_source, plain_target, zone))
    try:
        for kernel in kernels:
            kernel(pa.array([], source))
    except pa.ArrowNotImplementedError as error:
        raise TypeUnsupported(f"{source} cannot become {target}.") from error
    return kernels


def cast(array: pa.Array, kernels: Sequence[Kernel], target: pa.DataType) -> tuple[pa.Array, list[int]]:
    """The column cast, null in cells that could not be; the numbers of those cells."""
    if not kernels:
        return array, []
    made = _whole(array, kernels)
    if made is not None:
        return made, []
    bad: list[int] = []
    pieces = _pieces(array, 0, kernels, target, bad)
    return pa.concat_arrays(pieces), bad


def _whole(array: pa.Array, kernels: Sequence[Kernel]) -> pa.Array | None:
    for kernel in kernels:
        try:
            return kernel(array)
        except FAILURES:
            continue
    return None


def _pieces(
    array: pa.Array, start: int, kernels: Sequence[Kernel], target: pa.DataType, bad: list[int]
) -> list[pa.Array]:
    """Cast the halves of what failed as a whole, down to single cells; long pieces by the fastest kernel only."""
    if len(array) == 1:
        bad.append(start)
        return [pa.nulls(1, target)]
    middle = len(array) // 2
    pieces: list[pa.Array] = []
    for at, half in ((0, array[:middle]), (middle, array[middle:])):
        made = _whole(half, kernels if len(half) <= _SHORT else kernels[:1])
        pieces += [made] if made is not None else _pieces(half, start + at, kernels, target, bad)
    return pieces


def _kind(given: pa.DataType, simple: pa.DataType) -> str:
    if isinstance(given, pa.UuidType):
        return "uuid"
    return next((name for is_one, name in _KINDS if is_one(simple)), str(simple))


def _simplified(source: pa.DataType) -> tuple[Kernel, pa.DataType]:
    """How extensions, dictionaries and wide texts become what the kernels take, and that type."""
    if isinstance(source, pa.BaseExtensionType):
        inner, simple = _simplified(source.storage_type)
        return in_order(lambda array: array.storage, inner), simple
    if pa.types.is_dictionary(source):
        inner, simple = _simplified(source.value_type)
        return in_order(lambda array: array.dictionary_decode(), inner), simple
    simple = _simple(source)
    return (plain if simple == source else to_type(simple)), simple


def _completed(target: pa.DataType) -> tuple[Kernel, pa.DataType]:
    """The type that the kernels make, and how it becomes the target's."""
    if isinstance(target, pa.BaseExtensionType):
        inner, simple = _completed(target.storage_type)
        return in_order(inner, lambda array: pa.ExtensionArray.from_storage(target, array)), simple
    if pa.types.is_dictionary(target):
        inner, simple = _completed(target.value_type)
        return in_order(inner, to_type(target)), simple
    simple = _simple(target)
    return (plain if simple == target else to_type(target)), simple


def _simple(given: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(given) or pa.types.is_string_view(given):
        return pa.string()
    if pa.types.is_large_binary(given) or pa.types.is_fixed_size_binary(given) or pa.types.is_binary_view(given):
        return pa.binary()
    return pa.date32() if pa.types.is_date64(given) else given


def _text_to(kernel: Callable[[pa.DataType, tzinfo], Sequence[Kernel]]) -> Maker:
    """From text: as it is, then without blanks around it, an empty text being NULL."""

    def make(source: pa.DataType, target: pa.DataType, zone: tzinfo) -> Sequence[Kernel]:
        *strict, liberal = kernel(target, zone)
        return (*strict, in_order(cleaned, liberal))

    return make


def _by_arrow(source: pa.DataType, target: pa.DataType, zone: tzinfo) -> Sequence[Kernel]:
    return (to_type(target),)


def _through(middle: pa.DataType) -> Maker:
    return lambda source, target, zone: (in_order(to_type(middle), to_type(target)),)


def _only(kernel: Kernel) -> Maker:
    return lambda source, target, zone: (kernel,)


_WHOLE = pa.decimal128(20, 0)  # every integer

_CASTS: dict[tuple[str, str], Maker] = {
    ("text", "text"): _by_arrow,
    ("text", "bytes"): _only(bytes_of_text),
    ("text", "bool"): _text_to(lambda target, zone: (to_type(target), bool_of_text)),
    ("text", "int"): _text_to(lambda target, zone: (without_hex(to_type(target)), number_of_text(target))),
    ("text", "float"): _text_to(lambda target, zone: (double_of_text(target), double_of_text(target))),
    ("text", "decimal"): _text_to(lambda target, zone: (decimal_of_text(target), decimal_of_text(target))),
    ("text", "date"): _text_to(lambda target, zone: (to_type(target), date_of_text(zone))),
    ("text", "moment"): _text_to(moment_of_text),
    ("text", "clock"): _text_to(lambda target, zone: (clock_of_text(target),)),
    ("text", "duration"): _text_to(lambda target, zone: (duration_of_text(target),)),
    ("text", "nested"): _text_to(lambda target, zone: (nested_of_text(target),)),
    ("text", "uuid"): _text_to(lambda target, zone: (uuid_of_text,)),
    ("bytes", "bytes"): _by_arrow,
    ("bytes", "text"): _only(text_of_bytes),
    ("bytes", "uuid"): _by_arrow,
    ("uuid", "text"): _only(uuid_text),
    ("uuid", "bytes"): _by_arrow,
    ("bool", "text"): _by_arrow,
    ("bool", "int"): _by_arrow,
    ("bool", "float"): _by_arrow,
    ("bool", "decimal"): lambda source, target, zone: (in_order(to_type(pa.int8()), to_type(_WHOLE), to_type(target)),),
    ("int", "text"): _by_arrow,
    ("int", "bool"): _only(bool_of_number),
    ("int", "int"): _by_arrow,
    ("int", "float"): _by_arrow,
    ("int", "decimal"): _through(_WHOLE),
    ("float", "text"): _only(number_text),
    ("float", "bool"): _only(in_order(to_type(pa.int8()), bool_of_number)),
    ("float", "int"): _by_arrow,
    ("float", "float"): lambda source, target, zone: (narrowed_float(target),),
    ("float", "decimal"): lambda source, target, zone: (in_order(number_text, decimal_of_text(target)),),
    ("decimal", "text"): _only(decimal_text),
    ("decimal", "bool"): _only(in_order(to_type(pa.int8()), bool_of_number)),
    ("decimal", "int"): _by_arrow,
    ("decimal", "float"): lambda source, target, zone: (in_order(to_type(pa.string()), double_of_text(target)),),
    ("decimal", "decimal"): _by_arrow,
    ("date", "text"): _only(date_text),
    ("date", "date"): _by_arrow,
    ("date", "moment"): lambda source, target, zone: (
        in_order(to_type(pa.timestamp(target.unit)), moment_of_moment(pa.timestamp(target.unit), target, zone)),
    ),
    ("moment", "text"): lambda source, target, zone: (moment_text(source, zone),),
    ("moment", "date"): lambda source, target, zone: (date_of_moment(source, zone),),
    ("moment", "moment"): lambda source, target, zone: (moment_of_moment(source, target, zone),),
    ("clock", "text"): _only(clock_text),
    ("clock", "clock"): _by_arrow,
    ("clock", "duration"): lambda source, target, zone: (
        in_order(to_type(pa.time64("ns")), to_type(pa.int64()), to_type(pa.duration("ns")), to_type(target)),
    ),
    ("duration", "text"): _only(duration_text),
    ("duration", "duration"): _by_arrow,
    ("duration", "clock"): lambda source, target, zone: (clock_of_duration(target),),
    ("interval", "text"): _only(interval_text),
    ("nested", "text"): _only(json_texts),
    ("nested", "nested"): _by_arrow,
}
