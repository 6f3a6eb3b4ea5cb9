"""Steps on channels, columns and the order of axes."""

import numpy as np

from evaluators.steps.registry import IMAGE, SERIES, TABLE, VOLUME, Case, Parameter, Step, register, unfit

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
GREY_OF_BYTES = np.array([19595, 38470, 7471], np.int64)  # the same in 1/65536, as Pillow rounds


def channels(case: Case, count: int) -> None:
    have = len(case.array)
    if count == have:
        return
    if have == 1:
        case.array = np.repeat(case.array, count, axis=0)
    elif count == 1 and have == 3 and case.array.dtype == np.uint8:
        grey = np.tensordot(GREY_OF_BYTES, case.array.astype(np.int64), 1)
        case.array = ((grey + 0x8000) >> 16).astype(np.uint8)[None]
    elif count == 1 and have == 3:
        case.array = (np.moveaxis(case.array, 0, -1).astype(np.float32) @ GREY)[None]
    else:
        raise unfit(f"the inputs have {have} channels, and {count} are declared")


def pick(case: Case, names: list) -> None:
    places = []
    for name in names:
        if name not in case.names:
            known = ", ".join(case.names[:20]) or "no names"
            raise unfit(f"the inputs have no column or lead {name[:60]!r}", f"There are {known}.")
        places.append(case.names.index(name))
    case.array, case.names = case.array[places], tuple(names)


def impute(case: Case, values: list) -> None:
    array = case.array.astype(np.float32)
    if len(values) not in (1, len(array)):
        raise unfit(f"`values` has {len(values)} numbers for {len(array)} columns")
    fill = np.broadcast_to(np.asarray(values, np.float32).reshape(-1, *[1] * (array.ndim - 1)), array.shape)
    case.array = np.where(np.isnan(array), fill, array)


def flatten(case: Case) -> None:
    case.array, case.space, case.names = case.array.reshape(-1), TABLE, ()


def last(case: Case) -> None:
    case.array = np.moveaxis(case.array, 0, -1)
    case.undo.append({"step": "channels_last"})


register(
    Step(
        "channels",
        "One channel or three: colour to grey by ITU-R BT.601, grey repeated.",
        (IMAGE, VOLUME),
        channels,
        {"count": Parameter("whole", "1 to 16.", low=1, high=16)},
    )
)
register(
    Step(
        "pick",
        "Columns of a table, or leads of a signal, by name and in this order.",
        (TABLE, SERIES),
        pick,
        {"names": Parameter("texts", "The names, as the table's header or the record's header has them.")},
    )
)
register(
    Step(
        "impute",
        "Puts a number where a field is empty.",
        (TABLE, SERIES),
        impute,
        {"values": Parameter("numbers", "One, or one per column.")},
    )
)
register(Step("flatten", "As one row of numbers, the last axis running fastest.", (SERIES, IMAGE, VOLUME), flatten))
register(
    Step(
        "channels_last",
        "Channels as the last axis; nothing may come after it.",
        (SERIES, IMAGE, VOLUME),
        last,
        undo=lambda array, record: array,
    )
)
