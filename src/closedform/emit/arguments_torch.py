"""Helper functions of torch modules that check arguments, and place results."""

from __future__ import annotations

# How either check begins with an input: it is of the kind of the first.
OF_ONE_KIND = """\
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(x).__name__}; convert it with torch.as_tensor")
        if not x.is_floating_point():
            raise TypeError(f"{name} must be a floating point tensor, got {x.dtype}; convert it with {name}.to")
        if x.dtype != like.dtype:
            raise TypeError(f"{name} must have the dtype of {first}, {like.dtype}, got {x.dtype}")
        if x.device != like.device:
            raise ValueError(f"{name} must be on the device of {first}, {like.device}, got {x.device}")
"""

# In the order in which they are printed; each may call those before it.
ARGUMENTS: dict[str, str] = {
    "_check": '''
def _check(*inputs: tuple[str, torch.Tensor, str]) -> dict[str, int]:
    """The sizes of the inputs (name, tensor, axes); raises unless they are float tensors of one kind whose sizes agree."""
    sizes: dict[str, int] = {}
    first, like, _ = inputs[0]
    for name, x, axes in inputs:
'''
    + OF_ONE_KIND
    + """\
        expected = axes.split()
        if x.ndim != len(expected):
            raise ValueError(f"{name} must have {len(expected)} axes ({', '.join(expected)}), got shape {tuple(x.shape)}")
        for axis, size in zip(expected, x.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(f"{name} must have shape ({', '.join(expected)}) with {axis} = {sizes[axis]}, got shape {tuple(x.shape)}")
    return sizes
""",
    "_check_leading": '''
def _check_leading(*inputs: tuple[str, torch.Tensor, str]) -> dict[str, int]:
    """The sizes of the inputs (name, tensor, last axes); raises unless they are float tensors of one kind whose shapes agree."""
    sizes: dict[str, int] = {}
    first, like, own = inputs[0]
    for name, x, axes in inputs:
'''
    + OF_ONE_KIND
    + """\
        expected, shape = axes.split(), tuple(x.shape)
        if x.ndim < len(expected):
            raise ValueError(f"{name} must have shape (..., {', '.join(expected)}), got shape {shape}")
        if shape[: x.ndim - len(expected)] != tuple(like.shape[: like.ndim - len(own.split())]):
            raise ValueError(f"{name} must have the leading axes of {first}, which has shape {tuple(like.shape)}; got shape {shape}")
        for axis, size in zip(expected, shape[x.ndim - len(expected) :], strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(f"{name} must have shape (..., {', '.join(expected)}) with {axis} = {sizes[axis]}, got shape {shape}")
    return sizes
""",
    "_read": '''
def _read(*numbers: torch.Tensor) -> list[float] | None:
    """The values of tensors without axes; None where values cannot be read, under torch.compile and torch.vmap."""
    if torch.compiler.is_compiling():
        return None
    try:
        return [x.item() for x in numbers]
    except RuntimeError as error:
        if "vmap" in str(error):
            return None
        raise
''',
    "_holds": '''
def _holds(condition: torch.Tensor) -> bool:
    """Whether a condition holds; taken for granted where values cannot be read."""
    values = _read(condition)
    return values is None or bool(values[0])
''',
    "_plain": '''
def _plain(*arrays: torch.Tensor) -> bool:
    """Whether what is computed from these may be written over: neither autograd nor torch.func nor torch.compile follows it."""
    if torch.compiler.is_compiling() or (torch.is_grad_enabled() and any(x.requires_grad for x in arrays)):
        return False
    forward = torch.autograd.forward_ad
    if forward._current_level >= 0 and any(forward.unpack_dual(x).tangent is not None for x in arrays):
        return False
    try:
        return all(x.data_ptr() >= 0 for x in arrays)
    except RuntimeError:  # those that torch.func follows have no memory of their own
        return False
''',
    "_own": '''
def _own(x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor | None:
    """An array that nothing else holds, if it may be written over with what is computed from it and from others."""
    return x if _plain(x, *others) else None
''',
    "_check_labels": '''
def _check_labels(name: str, y: torch.Tensor, shape: tuple[int, ...], like: torch.Tensor) -> None:
    """Raise unless y holds class indices, or probabilities, for logits of this shape."""
    if not isinstance(y, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(y).__name__}; convert it with torch.as_tensor")
    if y.device != like.device:
        raise ValueError(f"{name} must be on the device of the other inputs, {like.device}, got {y.device}")
    if y.dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        if tuple(y.shape) != shape[:-1]:
            raise ValueError(f"{name} must have shape {shape[:-1]} for class indices, got shape {tuple(y.shape)}")
        bounds = _read(*torch.aminmax(y)) if y.numel() else None
        if bounds and (bounds[0] < 0 or bounds[1] >= shape[-1]):
            raise ValueError(f"{name} must hold class indices from 0 to {shape[-1] - 1}, got {bounds[0]} to {bounds[1]}")
    elif y.dtype != like.dtype:
        raise TypeError(f"{name} must hold integer class indices or {like.dtype} probabilities, got {y.dtype}")
    elif tuple(y.shape) != shape:
        raise ValueError(f"{name} must have shape {shape} for probabilities, got shape {tuple(y.shape)}")
''',
    "_check_direction": '''
def _check_direction(name: str, v: torch.Tensor, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
    """Raise unless v is one direction of this shape, or several along a first axis, in the dtype of the other inputs."""
    if not isinstance(v, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(v).__name__}; convert it with torch.as_tensor")
    if v.dtype != dtype:
        raise TypeError(f"{name} must have the dtype of the other inputs, {dtype}, got {v.dtype}")
    if v.device != device:
        raise ValueError(f"{name} must be on the device of the other inputs, {device}, got {v.device}")
    if tuple(v.shape[-len(shape) :]) != shape or v.ndim > len(shape) + 1:
        raise ValueError(f"{name} must have shape {shape}, or one more axis in front for several directions, got shape {tuple(v.shape)}")
''',
    "_number": '''
def _number(name: str, x: float | torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A number on the device of a tensor, in its dtype, but in float32 where that is less precise."""
    if not isinstance(x, int | float) and not (isinstance(x, torch.Tensor) and x.ndim == 0):
        raise TypeError(f"{name} must be a number, got {type(x).__name__}{f' of shape {tuple(x.shape)}' if hasattr(x, 'shape') else ''}")
    dtype = like.dtype if like.dtype == torch.float64 else torch.float32
    return torch.as_tensor(x, dtype=dtype, device=like.device)
''',
    "_forbid": '''
def _forbid(violated: torch.Tensor, message: str) -> None:
    """Raise if an entry is True."""
    if not _holds(~violated.any()):
        at = tuple(violated.nonzero()[0].tolist())
        raise ValueError(message + (f"; it does not at index {at}" if at else ""))
''',
    "_span": '''
def _span(x: torch.Tensor) -> tuple[int, int]:
    """The stretch of memory that a tensor spans: its first byte, and the one after its last."""
    first, length = x.data_ptr(), x.nbytes
    if length and not x.is_contiguous():
        length = x.element_size() * (1 + sum((size - 1) * step for size, step in zip(x.shape, x.stride(), strict=True)))
    return first, first + length
''',
    "_overlaps": '''
def _overlaps(x: torch.Tensor, *others: torch.Tensor) -> bool:
    """Whether the stretch of memory that a tensor spans has a byte in common with that of another."""
    first, end = _span(x)
    return any(max(first, at) < min(end, until) for at, until in map(_span, others))
''',
    "_overlaps_itself": '''
def _overlaps_itself(x: torch.Tensor) -> bool:
    """Whether two entries of a tensor may share memory: an axis steps no further than the axes inside it reach."""
    if x.is_contiguous():
        return False
    reach = 0
    for step, size in sorted((step, size) for step, size in zip(x.stride(), x.shape, strict=True) if size > 1):
        if step <= reach:
            return True
        reach += step * (size - 1)
    return False
''',
    "_check_out": '''
def _check_out(out: torch.Tensor | None, shape: tuple[int, ...], dtype: torch.dtype, *inputs: torch.Tensor) -> None:
    """Raise unless ``out`` can hold the result: of this shape and dtype, on the inputs' device, in memory that is its own."""
    if out is None:
        return
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"out must be a tensor, got {type(out).__name__}")
    if out.dtype != dtype:
        raise TypeError(f"out must have the dtype of the inputs, {dtype}, got {out.dtype}")
    if out.device != inputs[0].device:
        raise ValueError(f"out must be on the device of the inputs, {inputs[0].device}, got {out.device}")
    if tuple(out.shape) != shape:
        raise ValueError(f"out must have shape {shape}, got shape {tuple(out.shape)}")
    if torch.compiler.is_compiling():
        return
    if _overlaps_itself(out):
        raise ValueError("out must have memory of its own for every entry; use its clone")
    if _overlaps(out, *inputs):
        raise ValueError("out must not share memory with an input; use a tensor of its own")
''',
    "_into": '''
def _into(out: torch.Tensor | None, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The result in the dtype of the inputs, written into ``out`` if it is given."""
    if out is None:
        return x if x.dtype == dtype else x.to(dtype)
    return x if x is out else out.copy_(x)
''',
    "_stacked": '''
def _stacked(  # type: ignore[no-untyped-def]
    along, V: torch.Tensor, axes: int, entries: int, out: torch.Tensor | None, dtype: torch.dtype
) -> torch.Tensor:
    """along(V) for a direction of so many axes or a stack of them: in parts, so that arrays of so many entries for each stay small."""
    step = max(1, 2**20 // max(entries, 1))
    if V.ndim == axes or len(V) <= step:
        return _into(out, along(V), dtype)
    parts = V.unbind() if step == 1 else V.split(step)
    if out is None:
        return (torch.stack if step == 1 else torch.cat)([along(part).to(dtype) for part in parts])
    for target, part in zip(out.unbind() if step == 1 else out.split(step), parts, strict=True):
        target.copy_(along(part))
    return out
''',
    "_blocks": '''
def _blocks(rows: int, entries: int) -> list[slice]:
    """Blocks of rows whose results stay in the cache: half a million of the entries each. Compiled code needs none."""
    step = rows if torch.compiler.is_compiling() else max(1, 2**19 * rows // max(entries, 1))
    return [slice(at, min(at + step, rows)) for at in range(0, max(rows, 1), max(step, 1))]
''',
    "_product_blocks": '''
def _product_blocks(rows: int, entries: int) -> list[slice]:
    """Longer blocks, for rows that a matrix is multiplied by, which is read for each block: four million entries, and at least 256 rows."""
    return _blocks(rows, min(entries // 8, 2**11 * rows))
''',
    "_joined": '''
def _joined(parts: list[torch.Tensor], axis: int) -> torch.Tensor:
    """Blocks of rows as one array."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)
''',
    "_by_rows": '''
def _by_rows(rows, blocks: list[slice], *arrays: torch.Tensor):  # type: ignore[no-untyped-def]
    """What ``rows`` gives for each row of some arrays, block by block, so that what it computes on the way takes little room."""
    if len(blocks) == 1:
        return rows(*arrays)
    parts = (rows(*(x[at] for x in arrays)) for at in blocks)
    first = next(parts)
    if isinstance(first, tuple):
        return tuple(map(torch.cat, zip(first, *parts, strict=True)))
    if not _plain(first):
        return torch.cat([first, *parts])
    whole = first.new_empty(arrays[0].shape[0], *first.shape[1:])
    whole[blocks[0]] = first
    for at, part in zip(blocks[1:], parts, strict=True):  # one part at a time is held
        whole[at] = part
    return whole
''',
    "_sum_by_rows": '''
def _sum_by_rows(rows, blocks: list[slice], *arrays: torch.Tensor) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """The sum of what ``rows`` gives for blocks of rows of some arrays."""
    if len(blocks) == 1:
        return rows(*arrays)
    parts = (rows(*(x[at] for x in arrays)) for at in blocks)
    total = next(parts)
    for part in parts:
        total = total.add_(part) if _plain(total) else total + part
    return total
''',
    "_workspaces": '''
def _workspaces(out: torch.Tensor, axis: int, *inputs: torch.Tensor):  # type: ignore[no-untyped-def]
    """For each block of rows: which they are, their part of ``out``, and that part and an array like it to compute in, or None."""
    plain = out.dtype in (torch.float32, torch.float64) and out.is_contiguous() and _plain(out, *inputs)
    spare = None
    for at in _blocks(out.shape[axis], out.numel() // 2):  # a million: what is computed in place takes less room
        target = out.narrow(axis, at.start, at.stop - at.start)
        if plain:
            spare = target.new_empty(target.shape[axis:]) if spare is None else spare[: target.shape[axis]]
        yield at, target, target if plain else None, spare
''',
    "_wide": '''
def _wide(x: torch.Tensor) -> torch.Tensor:
    """Half precision as float32: everything is computed there and rounded once, at the end."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
''',
}
