"""What a list's plate column takes: every plate that a country issues, however it is written."""

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anpr_engine.plates.draw import draw
from anpr_engine.plates.pack_files import country_packs
from anpr_engine.watchlist.plate_checks import PlateFault, check_plate

FORMATS = {each.format_id: each for pack in country_packs() for each in pack.formats}


@given(
    st.sampled_from(sorted(FORMATS)),
    st.integers(0, 2**32 - 1),
    st.sampled_from(("-", " ", ".", "", "/")),
    st.sampled_from((str.lower, str.upper)),
)
def test_no_plate_of_any_country_is_taken_for_another_field(
    format_id: str, seed: int, mark: str, case: Callable[[str], str]
) -> None:
    """As printed, with other separators or none, in small letters: it is listed."""
    plate = draw(np.random.default_rng(seed), FORMATS[format_id])
    written = plate.replace("-", mark).replace(" ", mark)
    checked = check_plate(case(written), 1)
    canonical = check_plate(plate, 1)
    assert not (isinstance(checked, PlateFault) and checked.reason == "plate-other-field")
    assert checked == canonical
