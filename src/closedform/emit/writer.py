"""What all parts of a module share: the names of its arguments, the helpers that it needs, printers of bodies."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from closedform.emit.backends import Backend
from closedform.emit.base import BodyPrinter, Statement
from closedform.emit.names import Names
from closedform.emit.text import INDENT, LINE, shape_tuple
from closedform.errors import LoweringError
from closedform.lower.program import Condition, Program
from closedform.notation import Dim, Given, head_name

# Names that bodies use beside those of the derivation.
RESERVED = ("np", "torch", "self", "out", "sizes", "dtype", "device", "tolerance", "max", "float", "tuple", "rows")


@dataclass(frozen=True)
class Source:
    """An array whose shape tells sizes: the expression of its shape, and its axes."""

    shape: str
    dims: tuple[Dim | None, ...]


class Writer:
    """The module in the making."""

    def __init__(self, program: Program, backend: Backend) -> None:
        self.program = program
        self.backend = backend
        self._helpers: dict[str, None] = {}
        givens = dict.fromkeys(given.name for function in program.functions for given in function.parameters)
        names = Names(RESERVED)
        self._variables = {name: names.fresh(name) for name in givens}

    def variable(self, given: Given) -> str:
        """The parameter that holds a given: its name, unless Python or the module needs that."""
        return self._variables[given.name]

    # -- helpers ------------------------------------------------------------------------------

    def need(self, helpers: Iterable[str]) -> None:
        """Print these helper functions, too."""
        self._helpers.update(dict.fromkeys(helpers))

    def helper_sources(self) -> list[str]:
        """The helper functions that the module needs, and those that these call."""
        table = self.backend.helpers
        missing = [name for name in self._helpers if name not in table]
        if missing:
            raise LoweringError(f"the {self.backend.name} backend has no helper {', '.join(missing)}")
        needed = set(self._helpers)
        for name in reversed(list(table)):
            if name in needed:
                needed.update(other for other in table if f"{other}(" in table[name] and other != name)
        return [source for name, source in table.items() if name in needed]

    # -- bodies -------------------------------------------------------------------------------

    def names(self, taken: Iterable[str]) -> Names:
        """Names for a body that has these already."""
        return Names([*taken, *RESERVED, *dir(builtins)])

    def printer(
        self, arguments: Mapping[str, str], like: str, names: Names, *, guard: bool, several: Given | None = None, rank: int = 0
    ) -> BodyPrinter:
        """A printer for a body; ``like``: an array of the results' dtype, with ``rank`` axes of its own."""
        printer = self.backend.printer(
            arguments, like, names, leading=self.program.leading, guard=guard, direction=several.name if several else None
        )
        printer.set_leading(self.variable(several) if several else like, len(several.dims) if several else rank)
        return printer

    def size_lines(self, sizes: Mapping[Dim, str], sources: Sequence[Source]) -> list[str]:
        """Assignments of the sizes that a body uses, each from the first array that has it."""
        lines: list[str] = []
        missing = dict(sizes)
        for source in sources:
            mine = {dim: name for dim, name in missing.items() if dim in source.dims}
            if mine and len(mine) == len(source.dims) > 1 and not self.program.leading:
                lines.append(f"{INDENT}{', '.join(mine[dim] for dim in source.dims if dim is not None)} = {source.shape}")
            else:
                for dim, name in mine.items():
                    axis = source.dims.index(dim) - (len(source.dims) if self.program.leading else 0)
                    lines.append(f"{INDENT}{name} = {source.shape}[{axis}]")
            for dim in mine:
                del missing[dim]
        if missing:
            raise LoweringError(f"no argument of {self.program.name} has the size {', '.join(dim.name for dim in missing)}")
        return lines

    def sources(self, tensors: Sequence[Given]) -> list[Source]:
        """Arguments as sources of sizes."""
        return [Source(f"{self.variable(given)}.shape", given.dims) for given in tensors]

    @staticmethod
    def statement(statement: Statement) -> str:
        """An assignment, with the shape as a comment where it fits."""
        line = f"{INDENT}{statement.name} = {statement.text}"
        lead = ["..."] if statement.leads else []
        shape = [*lead, *(dim.name if isinstance(dim, Dim) else "1" for dim in statement.dims)]
        comment = f"  # {shape_tuple(shape)}" if shape else ""
        return line + comment if len(line + comment) <= LINE - len(INDENT) else line

    def require_tensor(self, tensors: Sequence[Given]) -> None:
        """Raise where no argument tells the dtype of the results."""
        if not tensors:
            raise LoweringError(f"{self.program.name} has no tensor argument that results could take their dtype from")

    # -- words --------------------------------------------------------------------------------

    def conditions(self, given: Given) -> list[Condition]:
        """What is checked of a given's values."""
        return [condition for condition in self.program.conditions if condition.of == given]

    def output(self) -> str:
        """What the functions are derivatives of, in words."""
        value = self.program.functions[0]
        name = head_name(value.target)
        let = value.setting.let(name)
        return f"the {let.doc} {name}" if let is not None and let.doc else name

    def described(self, name: str | None) -> str:
        """An argument in words."""
        given = next((given for given in self.program.setting.given if given.name == name), None)
        return f"the {given.doc} {name}" if given is not None and given.doc else name or ""

    def raises(self, parameters: Sequence[Given], *, out: bool) -> list[str]:
        """The errors of a function of these arguments."""
        wrong = ["shapes do not fit together"]
        if self.backend.has_devices:
            wrong.append("devices differ")
        for given in parameters:
            if given.classes:
                wrong.append("a class index is out of range")
            wrong += [f"{given.name} does not satisfy {condition.text}" for condition in self.conditions(given)]
        if out:
            wrong.append("out cannot hold the result")
        return [f"TypeError: inputs are not {self.backend.kinds}.", f"ValueError: {'; '.join(wrong)}."]
