"""The settings of odd use: what in people's acts a site finds worth a question."""

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from anpr_engine.audit.odd_use import OddRule, OddUseLimits
from anpr_engine.audit.work_times import DAYS, Weekday, WorkTimes, checked_hours, checked_zone


class Section(BaseModel):
    """A part of the settings; unknown keys are refused, for they are mostly misspelt ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OddUseSettings(Section):
    """What in people's acts is odd enough to ask about; each rule is on unless it is in `off`."""

    off: tuple[OddRule, ...] = ()
    time_zone: Annotated[str, AfterValidator(checked_zone)] = "Europe/Brussels"
    hours: Annotated[str, AfterValidator(checked_hours)] = "06:00-22:00"
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = DAYS
    same_target_times: Annotated[int, Field(ge=2)] = 3
    same_target_days: Annotated[float, Field(gt=0, le=366)] = 30.0
    mass_look_ups: Annotated[int, Field(ge=1)] = 100
    mass_minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0
    rows_at_once: Annotated[int, Field(ge=1)] = 1000
    no_case_words: tuple[str, ...] = tuple(sorted(OddUseLimits().vague))

    @property
    def limits(self) -> OddUseLimits:
        """The same for the rules."""
        return OddUseLimits(
            off=frozenset(self.off),
            work=WorkTimes(self.hours, frozenset(self.days), self.time_zone),
            same_target=self.same_target_times,
            same_target_days=self.same_target_days,
            mass=self.mass_look_ups,
            mass_minutes=self.mass_minutes,
            rows=self.rows_at_once,
            vague=frozenset(word.strip().lower() for word in self.no_case_words),
        )

    @property
    def changes(self) -> tuple[str, ...]:
        """Whatever is not as it comes with the engine, for the record."""
        changed = self.model_dump(mode="json", exclude_defaults=True)
        return tuple(f"odd_use.{name}={json.dumps(value)}" for name, value in changed.items())
