"""Declares the embedded objects: a method is a function with a decorator giving its name in expressions.

The annotations of the function are the types of its parameters and its result; a first parameter named ``scope``
gets the Scope; a default makes a parameter optional; ``| None`` lets null in. The docstring is the reference page.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, get_args, get_type_hints

from headrace.el.arithmetic import number_in
from headrace.el.errors import CannotEvaluate
from headrace.el.java_text import describe, double_text, json_text
from headrace.el.values import Value

F = TypeVar("F", bound=Callable[..., Any])

_JAVA_NAMES: dict[Any, str] = {
    str: "String",
    int: "int",
    float: "double",
    bool: "boolean",
    datetime: "Date",
    list: "Object[]",
    dict: "Object",
    object: "Object",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of parameter or result: one of the Python types of values, ``object`` for any of them."""

    type: Any
    nullable: bool = False

    @property
    def java(self) -> str:
        """The name Java gives it."""
        return _JAVA_NAMES[self.type]

    def accepts_kind(self, other: Any) -> bool:
        """Whether some value of the other type can be coerced to this one."""
        if self.type is object or other is object or self.type is other or self.type is str:
            return True
        return self.type is int and other in (str, float)

    def coerce(self, value: Value) -> Value:
        """The value as this type. Raises CannotEvaluate when it is not one."""
        if value is None:
            if self.nullable or self.type is object:
                return None
            raise CannotEvaluate(f"a value of type {self.java}, found null")
        is_bool = isinstance(value, bool)
        if self.type is object or (isinstance(value, self.type) and (not is_bool or self.type is bool)):
            return value
        if self.type is str:
            return _text(value)
        if self.type is int and (number := number_in(value)) is not None and _is_whole(number):
            return int(number)
        raise CannotEvaluate(f"a value of type {self.java}, found {describe(value)}")


def _is_whole(number: int | float) -> bool:
    return isinstance(number, int) or number.is_integer()  # neither infinity nor NaN is


def _text(value: Value) -> str:
    """The text of a value given for a String; dates need a pattern and are refused."""
    if isinstance(value, datetime):
        raise CannotEvaluate(
            "a value of type String, found a Date", 'Write it with DateUtil.format(date,"yyyy-MM-dd").'
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return double_text(value) if isinstance(value, float) else json_text(value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method."""

    name: str
    kind: Kind
    optional: bool


@dataclass(frozen=True, slots=True)
class Method:
    """A method of an embedded object, or one of its overloads."""

    owner: str
    name: str
    function: Callable[..., Any]
    needs_scope: bool
    parameters: tuple[Parameter, ...]
    returns: Kind

    @property
    def signature(self) -> str:
        """The signature as the reference writes it: ``Date DateUtil.addDays(Date date, int amount)``."""
        text = ""
        for number, parameter in enumerate(self.parameters):
            shown = f"{', ' if number else ''}{parameter.kind.java} {_camel(parameter.name)}"
            text += f"[{shown}]" if parameter.optional else shown
        return f"{self.returns.java} {self.owner}.{self.name}({text})"

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return sum(not parameter.optional for parameter in self.parameters) <= count <= len(self.parameters)


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an embedded object; its function takes the Scope."""

    owner: str
    name: str
    function: Callable[..., Any]
    returns: Kind


@dataclass(frozen=True, slots=True)
class EmbeddedObject:
    """An object that expressions know by name; its methods and properties are declared onto it."""

    name: str
    about: str
    counted: bool = False  # the characters its methods read and write count as work
    methods: dict[str, list[Method]] = field(default_factory=dict)
    properties: dict[str, Property] = field(default_factory=dict)

    def method(self, name: str) -> Callable[[F], F]:
        """Declare a method, or a further overload of it."""

        def declare(function: F) -> F:
            hints = get_type_hints(function)
            parameters = list(inspect.signature(function).parameters.values())
            needs_scope = bool(parameters) and parameters[0].name == "scope"
            declared = tuple(
                Parameter(given.name, _kind(hints[given.name]), given.default is not inspect.Parameter.empty)
                for given in parameters[needs_scope:]
            )
            method = Method(self.name, name, function, needs_scope, declared, _kind(hints["return"]))
            self.methods.setdefault(name, []).append(method)
            return function

        return declare

    def property(self, name: str) -> Callable[[F], F]:
        """Declare a property; the name may be dotted."""

        def declare(function: F) -> F:
            self.properties[name] = Property(self.name, name, function, _kind(get_type_hints(function)["return"]))
            return function

        return declare

    def names(self) -> list[str]:
        """All names behind the dot."""
        return sorted({*self.methods, *self.properties})


def _kind(annotation: Any) -> Kind:
    """The kind of an annotation such as ``str``, ``str | None``, ``list[str]``, ``Value``."""
    if annotation == Value:
        return Kind(object, nullable=True)
    options = get_args(annotation)
    nullable = type(None) in options
    if nullable:
        (annotation,) = (option for option in options if option is not type(None))
    return Kind(getattr(annotation, "__origin__", annotation), nullable)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
