"""The settings of partners: who may ask this site, by which agreement, about which lists."""

from typing import Annotated

from pydantic import Field

from anpr_engine.config_odd_use import Section


class PartnerSettings(Section):
    """One partner; what is not set here it may not do."""

    key: Annotated[str, Field(min_length=1)]
    agreement: Annotated[str, Field(min_length=1, max_length=200)]
    lists: Annotated[tuple[str, ...], Field(min_length=1)]
    questions_per_day: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    elements_per_day: Annotated[int, Field(ge=0, le=100_000_000)] = 0
