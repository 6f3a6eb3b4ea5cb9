"""Steps for sequences of letters, DNA or protein: to numbers."""

import numpy as np

from evaluators.steps.registry import SERIES, Case, Parameter, Step, bounded, register, unfit

ALPHABET = Parameter("text", "The letters, in the order of their numbers; case does not matter.", "ACGT")


def _numbers(case: Case, alphabet: str) -> np.ndarray:
    """(letters,) the place of each letter in the alphabet, -1 for one that is not there."""
    if case.array.dtype != np.uint8 or case.array.ndim != 1:
        raise unfit("the inputs of this benchmark are no sequences of letters")
    letters = alphabet.upper()
    if not letters.isascii() or len(set(letters)) < len(letters) or not letters.isprintable():
        raise unfit("`alphabet` must be different ASCII letters")
    table = np.full(256, -1)
    for number, letter in enumerate(letters):
        table[ord(letter)] = table[ord(letter.lower())] = number
    return table[case.array]


def one_hot(case: Case, alphabet: str) -> None:
    numbers = _numbers(case, alphabet)
    bounded((len(alphabet), len(numbers)))
    case.array = (numbers == np.arange(len(alphabet))[:, None]).astype(np.float32)
    case.names = tuple(alphabet.upper())


def tokens(case: Case, alphabet: str, unknown: int) -> None:
    numbers = _numbers(case, alphabet)
    case.array = np.where(numbers < 0, unknown, numbers).astype(np.float32)[None]


def kmers(case: Case, alphabet: str, k: int, share: bool) -> None:
    numbers = _numbers(case, alphabet)
    size = len(alphabet) ** k
    bounded((size,))
    found = np.zeros(size, np.float32)
    if len(numbers) >= k:
        windows = np.lib.stride_tricks.sliding_window_view(numbers, k)
        whole = windows[(windows >= 0).all(axis=1)]
        places = whole @ (len(alphabet) ** np.arange(k - 1, -1, -1))
        found = np.bincount(places, minlength=size).astype(np.float32)
        if share and len(places):
            found /= len(places)
    case.array, case.space = found, 0


register(
    Step(
        "one_hot",
        "One channel per letter: 1 where the letter stands, 0 elsewhere; a letter not in the alphabet is 0 in all.",
        (SERIES,),
        one_hot,
        {"alphabet": ALPHABET},
    )
)
register(
    Step(
        "tokens",
        "The number of each letter in the alphabet, as one channel.",
        (SERIES,),
        tokens,
        {"alphabet": ALPHABET, "unknown": Parameter("whole", "For any other letter.", -1, low=-1, high=255)},
    )
)
register(
    Step(
        "kmers",
        "How often each word of k letters occurs, as a row of numbers; words in the order of the alphabet.",
        (SERIES,),
        kmers,
        {
            "alphabet": ALPHABET,
            "k": Parameter("whole", "Letters in a word.", 3, low=1, high=8),
            "share": Parameter("flag", "As a share of all words.", False),
        },
    )
)
