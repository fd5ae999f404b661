from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

def schedule_to_dense(
    schedule: Sequence[Any], values: Literal["weight", "price"], /
) -> tuple[tuple[str, ...], NDArray[np.float64] | NDArray[np.int64]]: ...
