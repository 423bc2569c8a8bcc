"""Several derivations at once, each in a process of its own: they share nothing, so the results are those of one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def mapped(
    work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int, weight: Callable[[Item], int]
) -> Iterator[tuple[int, Result]]:
    """``(position, work(item))`` for every item, in the order in which they are done.

    Args:
        work: a function that can be pickled, of what can be pickled; an error that it raises is raised here.
        jobs: how many processes.
        weight: about how long an item takes; the longest are begun first, so that none is left for the end.
    """
    heaviest_first = sorted(range(len(items)), key=lambda position: -weight(items[position]))
    # Fresh interpreters: forking a process that has run torch, whose threads a fork does not copy, can hang.
    with ProcessPoolExecutor(min(jobs, len(items)), mp_context=get_context("spawn")) as pool:
        positions: dict[Future[Result], int] = {pool.submit(work, items[position]): position for position in heaviest_first}
        try:
            for done in as_completed(positions):
                yield positions[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
