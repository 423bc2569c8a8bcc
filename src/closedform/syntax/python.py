"""Expressions as Python in closedform's notation, complete: running the text gives the same expression."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any

from sympy import Expr, Indexed, Symbol
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from closedform.notation import Dim, Index, NamedTensor, Setting, free_indices


def to_python(setting: Setting, lhs: Expr, rhs: Expr) -> str:
    """``lhs = rhs`` as a program that declares what it uses and ends with ``left = ...`` and ``right = ...``.

    >>> from closedform.notation import Dim, Given, Setting, indices, partial, scalar, tensor
    >>> x, y = scalar("x"), scalar("y")
    >>> print(to_python(Setting((Given(x), Given(y))), x, y / 2))
    from closedform.notation import scalar
    <BLANKLINE>
    x = scalar("x")
    y = scalar("y")
    left = x
    right = y/2
    """
    printer = _Printer()
    lets = _used(setting, (lhs, rhs))
    expressions = [lhs, rhs, *(side for let in lets for side in (let.head, let.body))]
    names = {symbol.name: symbol for expression in expressions for symbol in _symbols(expression)}
    body = [f"left = {printer.doprint(lhs)}", f"right = {printer.doprint(rhs)}"]
    body += [f"# where {printer.doprint(let.head)} = {printer.doprint(let.body)}" for let in lets]
    declared = _declarations(expressions, names, printer)
    imports = ["from sympy import Rational", ""] if printer.rational else []
    imports.append(f"from closedform.notation import {', '.join(sorted(printer.used))}")
    return "\n".join([*imports, "", *declared, *body])


def _used(setting: Setting, expressions: Sequence[Expr]) -> list[Any]:
    """The lets that the expressions name, and those that these name."""
    needed = {symbol.name for expression in expressions for symbol in _symbols(expression)}
    lets = []
    for let in reversed(setting.lets):
        if let.name in needed:
            needed |= {symbol.name for symbol in _symbols(let.body)}
            lets.append(let)
    return lets[::-1]


def _symbols(expression: Expr) -> list[NamedTensor | Symbol]:
    tensors = expression.atoms(NamedTensor)
    labels = {tensor.label for tensor in tensors}
    scalars = [symbol for symbol in expression.atoms(Symbol) - labels if not isinstance(symbol, Dim | Index)]
    return [*tensors, *scalars]


def _declarations(expressions: Sequence[Expr], names: dict[str, Any], printer: _Printer) -> list[str]:
    atoms = {atom for expression in expressions for atom in expression.atoms(Index) | free_indices(expression)}
    tensors = [names[name] for name in sorted(names) if isinstance(names[name], NamedTensor)]
    dims = {dim for tensor in tensors for dim in tensor.dims} | {index.dim for index in atoms}
    dims |= {atom for expression in expressions for atom in expression.atoms(Dim)}
    lines = [f'{printer.name(dim)} = {printer.call("Dim")}("{dim.name}")' for dim in sorted(dims, key=str)]
    for index in sorted(atoms, key=lambda index: (index.dim.name, index.name)):
        lines.append(f'{printer.name(index)} = {printer.call("Index")}("{index.name}", {printer.name(index.dim)})')
    for name in sorted(names):
        shape = "".join(f", {printer.name(dim)}" for dim in names[name].dims) if isinstance(names[name], NamedTensor) else ""
        lines.append(f'{printer.name(names[name])} = {printer.call("tensor" if shape else "scalar")}("{name}"{shape})')
    return lines


class _Printer(StrPrinter):
    """SymPy's own text, with closedform's names for what the notation adds."""

    printmethod = "_closedform_python"  # SymPy's Indexed would print itself otherwise

    def __init__(self) -> None:
        super().__init__()
        self.used: set[str] = set()
        self.rational = False
        self._names: dict[Any, str] = {}

    def call(self, name: str) -> str:
        """The name of a function of the notation, which is then imported."""
        self.used.add(name)
        return name

    def name(self, symbol: Any) -> str:
        """A Python name for a symbol that no other symbol has: a size C, an index C and a tensor C differ."""
        if symbol not in self._names:
            name = f"{symbol.name}_" if keyword.iskeyword(symbol.name) else symbol.name
            while name in self._names.values():
                name += "_"
            self._names[symbol] = name
        return self._names[symbol]

    def _print_Symbol(self, symbol: Symbol) -> str:
        return self.name(symbol)

    def _print_Dim(self, dim: Dim) -> str:
        return self.name(dim)

    def _print_Index(self, index: Index) -> str:
        return self.name(index)

    def _print_Indexed(self, entry: Indexed) -> str:
        return f"{self.name(entry.base)}[{', '.join(self.name(index) for index in entry.indices)}]"

    def _print_NamedTensor(self, tensor: NamedTensor) -> str:
        return self.name(tensor)

    def _print_Sum(self, total: Any) -> str:
        over = ", ".join(self.name(index) for index, _, _ in total.limits)
        return f"{self.call('summation')}({self._print(total.function)}, {over})"

    def _print_KroneckerDelta(self, symbol: Any) -> str:
        first, second = sorted(symbol.args, key=lambda index: index.name)
        return f"{self.call('delta')}({self.name(first)}, {self.name(second)})"

    def _print_Partial(self, derivative: Any) -> str:
        return f"{self.call('partial')}({', '.join(map(self._print, derivative.args))})"

    def _print_Function(self, function: Any) -> str:
        return f"{self.call(type(function).__name__)}({', '.join(map(self._print, function.args))})"

    def _print_Abs(self, function: Any) -> str:
        return self._print_Function(function)

    def _print_ExpBase(self, function: Any) -> str:
        return self._print_Function(function)

    def _print_Exp1(self, _: Any) -> str:
        return f"{self.call('exp')}(1)"

    def _print_Pi(self, _: Any) -> str:
        return self.call("pi")

    def _print_Pow(self, power: Any, rational: bool = False) -> str:
        base, exponent = power.args
        if exponent.is_Rational and abs(exponent.q) == 2:
            root = f"{self.call('sqrt')}({self._print(base)})"
            return root if exponent.p == 1 else f"{root}**{self.parenthesize(exponent * 2, PRECEDENCE['Pow'])}"
        return str(super()._print_Pow(power, rational=rational))

    def _print_Rational(self, number: Any) -> str:
        self.rational = True  # 1/2 would be a float to Python
        return f"Rational({number.p}, {number.q})"
