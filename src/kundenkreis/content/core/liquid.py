"""Liquid with bounds: parsing and rendering templates that people and programs outside may have a hand in.

Templates see plain dict, list, text and number only; no objects, no files, no includes; data is never parsed again.
Bounds (trust A3): 256 K characters of output, 64 KB per value, 10,000 loop iterations over the whole template and fewer the more
a loop body holds, 3 nested loops.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from io import StringIO
from typing import Any, ClassVar, Literal, TextIO

from liquid import Environment
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.context import RenderContext
from liquid.exceptions import (
    LiquidError,
    LiquidSyntaxError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.template import BoundTemplate
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG, Token

from kundenkreis.content.core import filters

Escape = Literal["html", "text"]

OUTPUT_LIMIT_CHARACTERS = 256 * 1024
LOCALS_LIMIT_BYTES = 256 * 1024
LOOP_LIMIT = 10_000
LOOP_FUEL = 60_000
"""Loop iterations times nodes in loop bodies: keeps the slowest accepted template under about 100 ms."""
LOOP_DEPTH = 3
DEPTH_LIMIT = 16
NODE_LIMIT = 5_000

_LITERALS = ("content", "output", "illegal")
"""Pseudo tags under which the library registers literal text and output."""
_TAG_NAMES = "if unless case for break continue assign capture comment # cycle echo"
_TAGS = frozenset({*_LITERALS, *_TAG_NAMES.split(" ")})
"""Left out: include, render, tablerow, liquid, increment, ifchanged, doc: nothing a mail needs, each a way around."""


_SCALARS = frozenset({str, int, bool, float, type(None)})


class AbortMessage(LiquidError):
    """The template itself decided that this message is not to be sent."""


class _AbortNode(Node):
    __slots__ = ("reason",)

    def __init__(self, token: Token, reason: str) -> None:
        super().__init__(token)
        self.reason = reason
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        raise AbortMessage(self.reason, token=self.token)


class _AbortTag(Tag):
    """`{% abort_message "reason" %}`: this person does not get this message; the reason stands in the verdict."""

    name = "abort_message"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        reason = ""
        if stream.current.kind == TOKEN_EXPRESSION:
            reason = stream.current.value.strip().strip("()").strip().strip("\"'")
        return _AbortNode(token, reason[:200] or "the template aborted this message")


class _Buffer(StringIO):
    """Output that ends at a limit. Counts characters: encoding every piece only to count octets took a tenth of all
    rendering."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.left = limit

    def write(self, text: str, /) -> int:
        self.left -= len(text)
        if self.left < 0:
            raise OutputStreamLimitError("more output than a mail may have", token=None)
        return super().write(text)


class _OutputNode(OutputNode):
    """An output statement; most values are short texts with nothing to escape."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if type(value) is str and (not context.autoescape or _SPECIAL.search(value) is None):
            return buffer.write(value)
        return buffer.write(to_liquid_string(value, context.autoescape))


class _OutputTag(Output):
    node_class = _OutputNode


_SPECIAL = re.compile("[&<>\"']")
"""What escaping changes in HTML."""


class BoundedContext(RenderContext):
    """A render context that counts loop iterations over the whole template, not per nesting."""

    __slots__ = ("iterations_left", "language", "locals_bytes", "work_left", "zone_name")

    iterations_left: int
    language: str
    zone_name: str
    locals_bytes: int
    work_left: int

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        """A buffer for a captured block: shares what is left of the whole."""
        return _Buffer(buf.left if isinstance(buf, _Buffer) else OUTPUT_LIMIT_CHARACTERS)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.iterations_left -= length
        if self.iterations_left < 0:
            raise LoopIterationLimitError("too many loop iterations", token=None)

    def assign(self, key: str, val: Any) -> None:
        """Bind a name. Lists count with their texts: the library counts 8 bytes for each element however long it is."""
        self.locals_bytes += _size(val)
        if self.locals_bytes > 4 * LOCALS_LIMIT_BYTES or len(self.locals) > 1_000:
            raise LocalNamespaceLimitError("the template's own variables grow too large", token=None)
        self.locals[key] = val


def _size(value: object) -> int:
    return sys.getsizeof(value, 64)


class _BoundedEnvironment(Environment):
    context_depth_limit: ClassVar[int] = 30
    block_nesting_limit: ClassVar[int] = 20


def _environment(escape: Escape) -> Environment:
    env = _BoundedEnvironment(extra=False, autoescape=escape == "html", strict_filters=True)
    kept = {name: tag for name, tag in env.tags.items() if name in _TAGS}
    env.tags.clear()
    env.tags.update(kept)
    env.add_tag(_AbortTag)
    env.add_tag(_OutputTag)
    filters.register(env)
    return env


class Parsed:
    """One parsed template with what its use may cost."""

    __slots__ = ("iterations", "template")

    def __init__(self, template: BoundTemplate, iterations: int) -> None:
        self.template = template
        self.iterations = iterations

    def render(self, variables: Mapping[str, Any], *, language: str, zone_name: str) -> str:
        """The text for these variables.

        Raises:
            LiquidError, ValueError, TypeError, ArithmeticError: the data does not fit the template, or a bound was hit.
            AbortMessage: the template says not to send.
        """
        context = BoundedContext(self.template, globals=variables)
        context.iterations_left = self.iterations
        context.language = language
        context.zone_name = zone_name
        context.locals_bytes = 0
        context.work_left = filters.WORK_LIMIT
        buffer = _Buffer(OUTPUT_LIMIT_CHARACTERS)
        self.template.render_with_context(context, buffer)
        return buffer.getvalue()


_ENVIRONMENTS: dict[Escape, Environment] = {"html": _environment("html"), "text": _environment("text")}
"""Built once: an environment is immutable after this module is loaded."""


def filter_names() -> list[str]:
    """Every filter a template may use."""
    return sorted(_ENVIRONMENTS["text"].filters)


def tag_names() -> list[str]:
    """Every tag a template may use."""
    return sorted({*_TAGS, _AbortTag.name} - {*_LITERALS})


@lru_cache(maxsize=4_000)
def parse(source: str, escape: Escape) -> Parsed:
    """A template ready to render; the same source is parsed once per process.

    Raises:
        LiquidError: syntax, an unknown tag or filter, or nesting and size beyond the bounds.
    """
    template = _ENVIRONMENTS[escape].from_string(source)
    _refuse_unknown_filters(template)
    total, looped, deepest = _cost(template.nodes, template)
    if deepest > LOOP_DEPTH:
        raise LiquidSyntaxError(f"loops nested deeper than {LOOP_DEPTH}", token=None)
    if total > NODE_LIMIT:
        raise LiquidSyntaxError(f"more than {NODE_LIMIT} tags and outputs", token=None)
    return Parsed(template, min(LOOP_LIMIT, max(20, LOOP_FUEL // max(looped, 1))))


def _refuse_unknown_filters(template: BoundTemplate) -> None:
    """The library finds an unknown filter only when it renders; publishing has to know before."""
    for node in _walk(template.nodes, template):
        for expression in node.expressions():
            for item in expression.filters or () if isinstance(expression, FilteredExpression) else ():
                item.validate_filter_arguments(template.env)


def _children(node: Node, template: BoundTemplate) -> Iterable[Node]:
    return node.children(RenderContext(template), include_partials=False)


def _cost(nodes: Iterable[Node], template: BoundTemplate, depth: int = 0) -> tuple[int, int, int]:
    """(nodes with their filters, those inside loops, deepest loop nesting)."""
    total = looped = 0
    deepest = depth
    for node in nodes:
        own = 1 + sum(_filter_count(expression) for expression in node.expressions())
        inner_depth = depth + isinstance(node, ForNode)
        inner, inner_looped, inner_deepest = _cost(_children(node, template), template, inner_depth)
        total += own + inner
        looped += inner_looped + (own if depth else 0)
        deepest = max(deepest, inner_depth, inner_deepest)
    return total, looped, deepest


def _filter_count(expression: Expression) -> int:
    kept = expression.filters or () if isinstance(expression, FilteredExpression) else ()
    return sum(filters.SLOW.get(item.name, 1) for item in kept)


class Use:
    """One place where a template reads a variable from outside."""

    __slots__ = ("defaulted", "index", "segments")

    def __init__(self, segments: list[Any], index: int, *, defaulted: bool) -> None:
        self.segments = segments
        """["customer", "first_name"]; a Path stands where the name is computed."""
        self.index = index
        """Character position in the source."""
        self.defaulted = defaulted


def bindings(parsed: Parsed) -> Iterator[tuple[str, int]]:
    """(name, character position) of every name the template binds itself."""
    template = parsed.template
    for node in _walk(template.nodes, template):
        for name in (*node.template_scope(), *node.block_scope()):
            yield str(name), node.token.start_index


def uses(parsed: Parsed) -> Iterator[Use]:
    """Every variable a template reads that it does not bind itself."""
    template = parsed.template
    bound = {str(name) for node in _walk(template.nodes, template) for name in node.template_scope()}
    yield from _uses(template.nodes, template, frozenset(bound))


def _walk(nodes: Iterable[Node], template: BoundTemplate) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _walk(_children(node, template), template)


def _uses(nodes: Iterable[Node], template: BoundTemplate, bound: frozenset[str]) -> Iterator[Use]:
    for node in nodes:
        for expression in node.expressions():
            yield from _paths(expression, bound, defaulted=False)
        inner = bound | {str(name) for name in node.block_scope()}
        yield from _uses(_children(node, template), template, inner)


def _paths(expression: Expression, bound: frozenset[str], *, defaulted: bool) -> Iterator[Use]:
    if isinstance(expression, Path):
        if str(expression.path[0]) not in bound:
            yield Use(list(expression.path), expression.token.start_index, defaulted=defaulted)
        defaulted = False
    elif isinstance(expression, FilteredExpression):
        has_default = any(item.name == "default" for item in expression.filters or ())
        yield from _paths(expression.left, bound, defaulted=has_default)
        for item in expression.filters or ():
            for child in item.children():
                yield from _paths(child, bound, defaulted=False)
        return
    for child in expression.children() or ():
        yield from _paths(child, bound, defaulted=defaulted)


def plain_problem(value: object, depth: int = 0) -> str:
    """Why a value may not enter a template, "" if it may: dict, list, tuple, text, numbers, true, false, nothing."""
    kind = type(value)
    if kind in _SCALARS:
        return ""
    if depth > DEPTH_LIMIT:
        return "data nested too deep"
    inner: Iterable[object]
    if isinstance(value, dict) and kind is dict:
        if any(type(key) is not str for key in value):
            return "a key that is not text"
        inner = value.values()
    elif isinstance(value, list | tuple) and kind in (list, tuple):
        inner = value
    else:
        return f"a value of type {kind.__name__}"
    for item in inner:
        if type(item) not in _SCALARS and (problem := plain_problem(item, depth + 1)):
            return problem
    return ""
