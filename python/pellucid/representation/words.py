"""Words of a text: a part is a word or one place of it, a missing part is taken out or masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid._arguments import machine_memory, shown
from pellucid.errors import InputError
from pellucid.representation.checks import checked_draws, checked_masks
from pellucid.representation.texts import TextMedium, Texts
from pellucid.representation.tokens import Span, token_spans
from pellucid.results.text_spans import TextSpans

if TYPE_CHECKING:
    from pellucid import _core


class Words:
    r"""One text, of which words are kept or missing; the model is asked about texts.

    .. math:: \mathrm{text}(z) = \text{the text, where each word } w \text{ with } z_{p(w)} = 0 \text{ is taken out}

    or stands as `mask`, and p(w) is the part of the word. All that stands between the words stays as it is.

    Parameters
    ----------
    text : str
        At most 2 GiB of UTF-8.
    tokenizer : regular expression, or callable, or spans, or tokens
        What a word is: a pattern that matches one; or a callable of the text, or what it would return: spans
        (start, end) counted in characters, such as the offsets of a subword tokenizer, or its tokens in their order,
        which are found in the text whatever their case and with the marks ``##``, ``\u2581`` and ``\u0120`` of pieces
        left out. Sentences are units, too: ``tokenizer=r"[^.!?]+[.!?]*"``.
    mask : str or None
        What stands in the place of a missing word, such as ``"[MASK]"``. None: nothing.
    bag : bool
        All occurrences of a word are one part, as for a model of word counts. False: each is a part of its own.
    keep : iterable of str, or callable of a word
        Words that are never missing, and no parts.
    lowercase : bool
        Words that differ in case only are one word, named in lower case, for `bag` and `keep`. The texts keep theirs.

    Raises
    ------
    InputError
        No text, a text without words or with none left to explain, a lone surrogate, or spans that are none.

    Notes
    -----
    With the patterns `\w+` here and `\W+` of the package lime the texts are the same, for ``bag=True`` with its words
    removed and for ``bag=False`` with ``mask="UNKWORDZ"`` [ribeiro2016].

    Examples
    --------
    >>> words = Words("Good, very good film")
    >>> words.parts
    ('Good', 'very', 'good', 'film')
    >>> masks = np.array([[1, 0, 1, 1], [0, 1, 1, 0]], dtype=np.uint8)
    >>> words.compose(masks, np.zeros(2, dtype=np.int64)).strings()
    ['Good,  good film', ', very good ']
    >>> Words("so so good", bag=False, mask="[MASK]").parts
    ('so', 'so #2', 'good')
    """

    # Of the number of words taken out: how the samplers of masks draw it for texts.
    mask_law = "text"

    def __init__(
        self,
        text: str,
        *,
        tokenizer: Any = r"\w+",
        mask: str | None = None,
        bag: bool = True,
        keep: Iterable[str] | Callable[[str], bool] = (),
        lowercase: bool = False,
    ) -> None:
        for name, switch in (("bag", bag), ("lowercase", lowercase)):
            if not isinstance(switch, (bool, np.bool_)):
                raise InputError(f"{name} must be True or False, got {shown(switch)}")
        encodable("text", text)
        if not text:
            raise InputError("text is empty; there is no word to explain")
        encodable("mask", "" if mask is None else mask)
        named = [
            (text[start:end].lower() if lowercase else text[start:end], (start, end))
            for start, end in token_spans(text, tokenizer)
        ]
        if not named:
            raise InputError(f"text must have a word, got {shown(text)}, in which the tokenizer finds none")
        kept = _keeper(keep)
        named = [(word, span) for word, span in named if not kept(word)]
        if not named:
            raise InputError("keep leaves no word to explain; it must spare at least one word of the text")

        self.text = str(text)
        self.mask = mask or None
        self.bag = bool(bag)
        self.parts, self.spans = _bagged(named) if bag else _placed(named)
        self.n_draws = 1
        self.weights: NDArray[np.float64] = np.ones(1)
        self._spliced = self._prepared()
        self.medium = TextMedium(_row_bytes(self._spliced.longest, self.text + (mask or "")))

    @property
    def canvas(self) -> TextSpans:
        """The text with the spans of its parts, for pictures."""
        return TextSpans(self.text, self.spans)

    def compose(self, masks: Any, draws: Any, out: None = None) -> Texts:
        """The texts of masks (m, p); draws (m,) are all 0."""
        masks = checked_masks(masks, p=len(self.parts))
        checked_draws(draws, m=len(masks), n_draws=1)
        if out is not None:
            raise InputError("out must be None: texts have different lengths, every block has memory of its own")
        return Texts(*self._spliced.assemble(masks, machine_memory()))

    def _prepared(self) -> _core.SplicedText:
        from pellucid import _core

        words = sorted((span, part) for part, spans in enumerate(self.spans) for span in spans)
        byte = _byte_positions(self.text)
        spans = byte[np.array([span for span, _ in words], dtype=np.int64)]
        starts, stops = (np.ascontiguousarray(ends) for ends in spans.T)
        return _core.SplicedText(
            np.frombuffer(self.text.encode("utf-8"), dtype=np.uint8),
            starts,
            stops,
            np.array([part for _, part in words], dtype=np.int32),
            len(self.parts),
            np.frombuffer((self.mask or "").encode("utf-8"), dtype=np.uint8),
        )

    def _value(self) -> tuple[Any, ...]:
        return self.text, self.mask, self.bag, self.parts, self.spans

    def __eq__(self, other: object) -> bool:
        return self._value() == other._value() if isinstance(other, Words) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._value())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_spliced"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._spliced = self._prepared()

    def __repr__(self) -> str:
        return f"Words({shown(self.text)}, {len(self.parts)} parts)"


def encodable(argument: str, text: Any) -> None:
    """Refuses what is no str or has no UTF-8."""
    if not isinstance(text, str):
        raise InputError(f"{argument} must be a str, got {type(text).__name__}; one Words is one text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{argument} must be valid Unicode, got a lone surrogate {text[error.start]!a} at {error.start}; "
            'text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") puts pairs together and others away'
        ) from None


def _keeper(keep: Any) -> Callable[[str], bool]:
    if callable(keep):
        judge: Callable[[str], bool] = keep
        return judge
    if isinstance(keep, (str, bytes)) or not hasattr(keep, "__iter__"):
        raise InputError(f"keep must be a list of words or a callable of a word, got {shown(keep)}")
    kept = list(keep)
    if not all(isinstance(word, str) for word in kept):
        raise InputError(f"keep must hold words (str), got {shown(kept)}")
    return frozenset(kept).__contains__


def _bagged(named: list[tuple[str, Span]]) -> tuple[tuple[str, ...], tuple[tuple[Span, ...], ...]]:
    """All occurrences of a word are one part; parts in the order of their first occurrence."""
    places: dict[str, list[Span]] = {}
    for word, span in named:
        places.setdefault(word, []).append(span)
    return tuple(places), tuple(map(tuple, places.values()))


def _placed(named: list[tuple[str, Span]]) -> tuple[tuple[str, ...], tuple[tuple[Span, ...], ...]]:
    """Every occurrence is a part; from the second on it says which it is."""
    words = {word for word, _ in named}
    names: list[str] = []
    seen: Counter[str] = Counter()
    for word, _ in named:
        seen[word] += 1
        # A unit of the text may itself read "word #2".
        while seen[word] > 1 and f"{word} #{seen[word]}" in words:
            seen[word] += 1
        names.append(word if seen[word] == 1 else f"{word} #{seen[word]}")
    return tuple(names), tuple((span,) for _, span in named)


def _byte_positions(text: str) -> NDArray[np.int64]:
    """Where each character begins in UTF-8, and where the last one ends: (characters + 1,)."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    positions = np.zeros(len(codes) + 1, dtype=np.int64)
    np.cumsum(1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000), dtype=np.int64, out=positions[1:])
    return positions


def _row_bytes(longest: int, characters: str) -> int:
    """Bytes of the longest row and of its Python string, which takes 1, 2 or 4 for each character."""
    widest = ord(max(characters))
    return longest * (1 + (1 if widest < 0x100 else 2 if widest < 0x10000 else 4)) + 64
