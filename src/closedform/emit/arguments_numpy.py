"""Helper functions of NumPy modules that check arguments, and place results."""

from __future__ import annotations

# How either check begins with an input: it is of the kind of the first.
OF_ONE_KIND = """\
        if not isinstance(x, np.ndarray):
            raise TypeError(f"{name} must be a NumPy array, got {type(x).__name__}; convert it with np.asarray")
        if x.dtype not in (np.float32, np.float64):
            raise TypeError(f"{name} must be float32 or float64, got {x.dtype}; convert it with {name}.astype")
        if x.dtype != like.dtype:
            raise TypeError(f"{name} must have the dtype of {first}, {like.dtype}, got {x.dtype}")
"""

# In the order in which they are printed; each may call those before it.
ARGUMENTS: dict[str, str] = {
    "_check": '''
def _check(*inputs: tuple[str, np.ndarray, str]) -> dict[str, int]:
    """The sizes of the inputs (name, array, axes); raises unless they are float arrays of one dtype and their sizes agree."""
    sizes: dict[str, int] = {}
    first, like, _ = inputs[0]
    for name, x, axes in inputs:
'''
    + OF_ONE_KIND
    + """\
        expected = axes.split()
        if x.ndim != len(expected):
            raise ValueError(f"{name} must have {len(expected)} axes ({', '.join(expected)}), got shape {x.shape}")
        for axis, size in zip(expected, x.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(f"{name} must have shape ({', '.join(expected)}) with {axis} = {sizes[axis]}, got shape {x.shape}")
    return sizes
""",
    "_check_leading": '''
def _check_leading(*inputs: tuple[str, np.ndarray, str]) -> dict[str, int]:
    """The sizes of the inputs (name, array, last axes); raises unless they are float arrays of one dtype and their shapes agree."""
    sizes: dict[str, int] = {}
    first, like, own = inputs[0]
    for name, x, axes in inputs:
'''
    + OF_ONE_KIND
    + """\
        expected = axes.split()
        if x.ndim < len(expected):
            raise ValueError(f"{name} must have shape (..., {', '.join(expected)}), got shape {x.shape}")
        lead = x.shape[: x.ndim - len(expected)]
        if lead != like.shape[: like.ndim - len(own.split())]:
            raise ValueError(f"{name} must have the leading axes of {first}, which has shape {like.shape}; got shape {x.shape}")
        for axis, size in zip(expected, x.shape[x.ndim - len(expected) :], strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(f"{name} must have shape (..., {', '.join(expected)}) with {axis} = {sizes[axis]}, got shape {x.shape}")
    return sizes
""",
    "_check_labels": '''
def _check_labels(name: str, y: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raise unless y holds class indices, or probabilities, for logits of this shape."""
    if not isinstance(y, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(y).__name__}; convert it with np.asarray")
    if np.issubdtype(y.dtype, np.integer):
        if y.shape != shape[:-1]:
            raise ValueError(f"{name} must have shape {shape[:-1]} for class indices, got shape {y.shape}")
        if y.size and not 0 <= y.min() <= y.max() < shape[-1]:
            raise ValueError(f"{name} must hold class indices from 0 to {shape[-1] - 1}, got {y.min()} to {y.max()}")
    elif y.dtype != dtype:
        raise TypeError(f"{name} must hold integer class indices or {dtype} probabilities, got {y.dtype}")
    elif y.shape != shape:
        raise ValueError(f"{name} must have shape {shape} for probabilities, got shape {y.shape}")
''',
    "_check_direction": '''
def _check_direction(name: str, v: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raise unless v is one direction of this shape, or several along a first axis, in the dtype of the other inputs."""
    if not isinstance(v, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(v).__name__}; convert it with np.asarray")
    if v.dtype != dtype:
        raise TypeError(f"{name} must have the dtype of the other inputs, {dtype}, got {v.dtype}")
    if v.shape[-len(shape) :] != shape or v.ndim > len(shape) + 1:
        raise ValueError(f"{name} must have shape {shape}, or one more axis in front for several directions, got shape {v.shape}")
''',
    "_number": '''
def _number(name: str, x: float | np.ndarray, like: np.ndarray) -> np.floating:
    """A number in the dtype of an array."""
    if not isinstance(x, int | float | np.number) and np.shape(x) != ():
        raise TypeError(f"{name} must be a number, got {type(x).__name__} of shape {np.shape(x)}")
    return like.dtype.type(x)
''',
    "_forbid": '''
def _forbid(violated: np.ndarray, message: str) -> None:
    """Raise if an entry is True."""
    if np.any(violated):
        at = tuple(int(i) for i in np.argwhere(violated)[0])
        raise ValueError(message + (f"; it does not at index {at}" if at else ""))
''',
    "_overlaps_itself": '''
def _overlaps_itself(x: np.ndarray) -> bool:
    """Whether two entries of an array may share memory: an axis steps no further than the axes inside it reach."""
    if x.flags.c_contiguous:
        return False
    reach = x.itemsize - 1
    for step, size in sorted((abs(step), size) for step, size in zip(x.strides, x.shape, strict=True) if size > 1):
        if step <= reach:
            return True
        reach += step * (size - 1)
    return False
''',
    "_check_out": '''
def _check_out(out: np.ndarray | None, shape: tuple[int, ...], dtype: np.dtype, *inputs: np.ndarray) -> None:
    """Raise unless ``out`` can hold the result: of this shape and dtype, writeable, in memory that is its own."""
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"out must have the dtype of the inputs, {dtype}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have shape {shape}, got shape {out.shape}")
    if not out.flags.writeable or _overlaps_itself(out):
        raise ValueError("out must be writeable and have memory of its own for every entry; use a copy of it")
    if any(np.may_share_memory(out, x) for x in inputs):
        raise ValueError("out must not share memory with an input; use an array of its own")
''',
    "_output": '''
def _output(out: np.ndarray | None, shape: tuple[int, ...], dtype: np.dtype, *inputs: np.ndarray) -> np.ndarray:
    """Where the result is written: ``out`` if it can hold it, or a new array."""
    _check_out(out, shape, dtype, *inputs)
    return np.empty(shape, dtype) if out is None else out
''',
    "_into": '''
def _into(out: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    """The result, written into ``out`` if it is given."""
    if out is None or x is out:
        return x
    out[...] = x
    return out
''',
    "_stacked": '''
def _stacked(along, V: np.ndarray, axes: int, entries: int, out: np.ndarray | None) -> np.ndarray:  # type: ignore[no-untyped-def]
    """along(V) for a direction of so many axes or a stack of them: in parts, so that arrays of so many entries for each stay small."""
    step = max(1, 2**20 // max(entries, 1))
    if V.ndim == axes or len(V) <= step:
        return _into(out, along(V))
    parts = list(V) if step == 1 else [V[at : at + step] for at in range(0, len(V), step)]
    if out is None:
        return (np.stack if step == 1 else np.concatenate)([along(part) for part in parts])
    for at, part in enumerate(parts):
        out[at if step == 1 else slice(at * step, (at + 1) * step)] = along(part)
    return out
''',
    "_blocks": '''
def _blocks(rows: int, entries: int) -> list[slice]:
    """Blocks of rows whose results stay in the cache: a quarter of a million of the entries each."""
    step = max(1, 2**18 * rows // max(entries, 1))
    return [slice(at, min(at + step, rows)) for at in range(0, max(rows, 1), step)]
''',
    "_product_blocks": '''
def _product_blocks(rows: int, entries: int) -> list[slice]:
    """Longer blocks, for rows that a matrix is multiplied by, which is read for each block: four million entries, and at least 256 rows."""
    return _blocks(rows, min(entries // 16, 2**10 * rows))
''',
    "_by_rows": '''
def _by_rows(rows, blocks: list[slice], *arrays: np.ndarray):  # type: ignore[no-untyped-def]
    """What ``rows`` gives for each row of some arrays, block by block, so that what it computes on the way takes little room."""
    if len(blocks) == 1:
        return rows(*arrays)
    parts = [rows(*(x[at] for x in arrays)) for at in blocks]
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else tuple(map(np.concatenate, zip(*parts, strict=True)))
''',
    "_sum_by_rows": '''
def _sum_by_rows(rows, blocks: list[slice], *arrays: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The sum of what ``rows`` gives for blocks of rows of some arrays."""
    if len(blocks) == 1:
        return rows(*arrays)
    parts = (rows(*(x[at] for x in arrays)) for at in blocks)
    total = next(parts)
    for part in parts:
        total += part
    return total
''',
    "_workspaces": '''
def _workspaces(out: np.ndarray, axis: int):  # type: ignore[no-untyped-def]
    """For each block of rows: which they are, their part of ``out``, and an array like it to compute in."""
    spare = None
    for at in _blocks(out.shape[axis], out.size):
        target = out[(..., at, *[slice(None)] * (-axis - 1))]
        spare = np.empty(target.shape[axis:], out.dtype) if spare is None else spare[: target.shape[axis]]
        yield at, target, spare
''',
}
