"""Blocks through user code in order, one after the other or several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from pellucid.model.outputs import Place

Block = NDArray[np.float64]
Answer = Callable[[Block, Place], Block]


class StoppedByModel(Exception):
    """Carries a StopIteration of user code through a generator, where Python would replace it."""

    def __init__(self, original: StopIteration) -> None:
        super().__init__(original)
        self.original = original


def split(count: int, *, most: int, blocks: int) -> Iterator[slice]:
    """Runs of 0, 1, ..., count - 1: each of at most `most`, and at least `blocks` of them where there are so many.

    >>> [part.stop - part.start for part in split(7, most=100, blocks=3)]
    [3, 2, 2]
    """
    blocks = min(blocks, count)
    if -(-count // most) >= blocks:
        yield from (slice(first, min(first + most, count)) for first in range(0, count, most))
        return
    each, more = divmod(count, blocks)
    first = 0
    for block in range(blocks):
        last = first + each + (block < more)
        yield slice(first, last)
        first = last


def answers(blocks: Iterable[Block], *, answer: Answer, concurrency: int) -> Generator[Block, None, None]:
    """`answer(block, place)` for each block, in order.

    With `concurrency` above 1, up to so many blocks are in flight in a thread pool that lives as long as
    this iterator. The first failure cancels what has not started, waits for what has, and surfaces as the
    same exception object. An interrupt of the caller does not wait.
    """
    if concurrency == 1:
        return _in_turn(blocks, answer)
    return _in_threads(blocks, answer, concurrency)


def _in_turn(blocks: Iterable[Block], answer: Answer) -> Generator[Block, None, None]:
    ruler = _Ruler()
    for block in blocks:
        outputs = _shielded(answer, block, ruler.next_place(block))
        # The reference goes before the next block is made, so that its buffer is free by then.
        del block
        yield outputs


def _in_threads(blocks: Iterable[Block], answer: Answer, concurrency: int) -> Generator[Block, None, None]:
    ruler = _Ruler()
    executor = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="pellucid")
    in_flight: deque[Future[Block]] = deque()
    wait = True
    try:
        for block in blocks:
            # The task takes the only reference with it: none stays behind in the records of the pool.
            in_flight.append(executor.submit(_run, [block], answer, ruler.next_place(block)))
            del block
            if len(in_flight) == concurrency:
                yield in_flight.popleft().result()
        while in_flight:
            yield in_flight.popleft().result()
    except BaseException as error:
        wait = isinstance(error, Exception)
        raise
    finally:
        executor.shutdown(wait=wait, cancel_futures=True)


def _run(task: list[Block], answer: Answer, place: Place) -> Block:
    return _shielded(answer, task.pop(), place)


def _shielded(answer: Answer, block: Block, place: Place) -> Block:
    try:
        return answer(block, place)
    except StopIteration as stop:
        raise StoppedByModel(stop) from None


class _Ruler:
    """Numbers batches and rows; not a generator over the blocks, which would hold on to the last one."""

    def __init__(self) -> None:
        self._batch = 0
        self._first = 0

    def next_place(self, block: Block) -> Place:
        place = Place(self._batch, self._first, len(block))
        self._batch += 1
        self._first += len(block)
        return place
