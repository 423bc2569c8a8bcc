"""The libraries that modules are printed for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from closedform.emit import helpers_numpy, helpers_torch
from closedform.emit.base import BodyPrinter
from closedform.emit.numpy_backend import NumpyPrinter
from closedform.emit.torch_backend import TorchPrinter


@dataclass(frozen=True)
class Backend:
    """A library to print for.

    Attributes:
        name: of the folder.
        printer: of expressions.
        imports: the line that imports it.
        array: its type of arrays.
        dtype: its type of dtypes.
        helpers: name -> source of the functions that bodies call.
        linear_operator: the method of operators for ``scipy.sparse.linalg``, with the name of one of their arrays to fill in.
        has_devices: whether arrays live on devices, and half precision is computed in single.
        tolerance: of equations between arguments, with an argument's name to fill in.
        kinds: what the inputs must be.
        unwarned: a decorator for functions that compute a branch where it is not taken, if the library warns of that.
    """

    name: str
    printer: type[BodyPrinter]
    imports: str
    array: str
    dtype: str
    helpers: Mapping[str, str]
    linear_operator: str
    has_devices: bool
    tolerance: str
    kinds: str
    unwarned: str = ""

    def is_floating(self, variable: str) -> str:
        """The test whether labels are probabilities."""
        return f"{variable}.is_floating_point()" if self.has_devices else f"np.issubdtype({variable}.dtype, np.floating)"


BACKENDS = {
    "numpy": Backend(
        name="numpy",
        printer=NumpyPrinter,
        imports=helpers_numpy.IMPORTS,
        array=helpers_numpy.ARRAY,
        dtype="np.dtype",
        helpers=helpers_numpy.HELPERS,
        linear_operator=helpers_numpy.LINEAR_OPERATOR,
        has_devices=False,
        tolerance="1e-4",
        kinds="float32 or float64 arrays of one dtype",
        unwarned='@np.errstate(divide="ignore", invalid="ignore")',
    ),
    "torch": Backend(
        name="torch",
        printer=TorchPrinter,
        imports=helpers_torch.IMPORTS,
        array=helpers_torch.ARRAY,
        dtype="torch.dtype",
        helpers=helpers_torch.HELPERS,
        linear_operator=helpers_torch.LINEAR_OPERATOR,
        has_devices=True,
        tolerance="max(1e-4, torch.finfo({}.dtype).eps)",
        kinds="float tensors of one dtype",
    ),
}
