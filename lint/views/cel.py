"""Expressions of CEL, the language of a metric's tags and of filters for access logs: their form and their names."""

import re
from dataclasses import dataclass, field

# https://github.com/google/cel-spec/blob/master/doc/langdef.md, the grammar.
_TOKEN = re.compile(
    r"""
    \s+ | //[^\n]*
    | (?P<literal>
        (?:[rR][bB]?|[bB][rR])(?:\"{3}.*?\"{3} | '{3}.*?'{3} | \"[^\"\n]*\" | '[^'\n]*')
        | [bB]?(?:\"{3}(?:[^\\]|\\.)*?\"{3} | '{3}(?:[^\\]|\\.)*?'{3} | \"(?:[^\"\\\n]|\\.)*\" | '(?:[^'\\\n]|\\.)*')
        | (?:\d*\.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+ | 0x[0-9a-fA-F]+u? | \d+u?)(?![\w])
    )
    | (?P<name>[A-Za-z_]\w* | `[^`]+`)
    | (?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_BETWEEN = frozenset({"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "in"})
_CONSTANTS = frozenset({"true", "false", "null"})
# Their first argument is a variable of their own.
_MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap"})
# Nobody writes such expressions; the reader below goes into each bracket.
_MOST_TOKENS = 2000
_DEEPEST = 50


class NotAnExpressionError(ValueError):
    """The message says what is wrong."""


@dataclass
class _Reader:
    """Reads one expression from the left to the right."""

    tokens: list[tuple[str, str]]
    position: int = 0
    depth: int = 0
    names: set[tuple[str, ...]] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)

    def next(self, *signs: str) -> bool:
        """Go past the next token if it is one of ``signs``."""
        if self.position < len(self.tokens) and self.tokens[self.position][1] in signs and self._is_sign():
            self.position += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.next(sign):
            raise NotAnExpressionError(f"{sign!r} is missing")

    def expression(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise RecursionError
        self._operand()
        while self.next(*_BETWEEN):
            self._operand()
        if self.next("?"):
            self.expression()
            self.expect(":")
            self.expression()
        self.depth -= 1

    def _operand(self) -> None:
        while self.next("!", "-"):
            pass
        path = self._primary()
        while True:
            if self.next("."):
                self.next("?")
                member = self._take("name")
                path = (*path, member) if path else ()
                if self.next("("):
                    path = self._called(path, member)
            elif self.next("["):
                self.next("?")
                self.expression()
                self.expect("]")
            elif path and self.next("{"):
                # A message: its path is a type and no attribute.
                path = self._listed("}", pairs=True)
            else:
                break
        if path:
            self.names.add(path)

    def _called(self, path: tuple[str, ...], function: str) -> tuple[str, ...]:
        """Of a call on a value, that value is what has a name."""
        if function in _MACROS and self.position < len(self.tokens):
            self.bound.add(self.tokens[self.position][1])
        self._listed(")")
        if path[:-1]:
            self.names.add(path[:-1])
        return ()

    def _primary(self) -> tuple[str, ...]:
        if self.next("("):
            self.expression()
            self.expect(")")
        elif self.next("["):
            self._listed("]")
        elif self.next("{"):
            self._listed("}", pairs=True)
        elif self._is("literal"):
            self.position += 1
        else:
            self.next(".")
            name = self._take("name")
            if self.next("("):
                self._listed(")")
            elif name not in _CONSTANTS:
                return (name,)
        return ()

    def _listed(self, end: str, *, pairs: bool = False) -> tuple[str, ...]:
        while not self.next(end):
            self.next("?")
            self.expression()
            if pairs:
                self.expect(":")
                self.expression()
            if not self.next(","):
                self.expect(end)
                break
        return ()

    def _take(self, kind: str) -> str:
        if not self._is(kind):
            rest = self.tokens[self.position][1] if self.position < len(self.tokens) else "its end"
            raise NotAnExpressionError(f"a value is wanted where {rest} stands")
        self.position += 1
        return self.tokens[self.position - 1][1]

    def _is(self, kind: str) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position][0] == kind

    def _is_sign(self) -> bool:
        kind, written = self.tokens[self.position]
        return kind == "sign" or written == "in"


def attributes(expression: str) -> frozenset[tuple[str, ...]]:
    """The names that an expression looks up, each with the fields that it takes of them.

    Raises ``NotAnExpressionError``. Of an expression that is too long to be read, none are known.
    """
    tokens = _tokens(expression)
    reader = _Reader(tokens)
    if len(tokens) > _MOST_TOKENS:
        return frozenset()
    try:
        reader.expression()
    except RecursionError:
        return frozenset()
    if reader.position < len(tokens):
        raise NotAnExpressionError(f"nothing may stand where {tokens[reader.position][1]} does")
    return frozenset(path for path in reader.names if path[0] not in reader.bound)


def _tokens(expression: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise NotAnExpressionError(f"it has a single {expression[position]}")
        if match.lastgroup:
            found.append((match.lastgroup, match[0]))
        position = match.end()
    return found
