"""Heal what a verification has found, in the order in which it holds beside flows at work.

Glue runs of nobody are stopped, raw is made whole, its partitions follow, and then months are
brought to readers in the ordinary way, which looks again by itself and has the partitions follow a
commit whose files are there. Every step is one that any flow takes, safe to repeat, so a repair may
be killed and run again at any point.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prefect import get_run_logger

from flows.care import Care, mend_of
from flows.dashboard import in_words, is_expected
from flows.settings import Settings, subject_of
from tasks.catalog import list_locations, point_partition, register_partitions
from tasks.core.dataset import Table
from tasks.core.datasets import TABLES
from tasks.core.exchange import month_of
from tasks.core.findings import Finding, Heal
from tasks.core.plan import Subject
from tasks.core.wording import count
from tasks.refine import publish_months
from tasks.store import list_names, list_raw
from tasks.work_at_hand import stop_run

WhyNot = dict[str, str]
"""`{place of a finding: why it could not be healed}`."""


def repair_dataset(
    settings: Settings, care: Care, findings: Sequence[Finding], now: dt.datetime
) -> WhyNot:
    """Heal what can be healed of a dataset; return what could not be, and why.

    Args:
        settings: The settings.
        care: What the dataset needs.
        findings: What was found of it.
        now: The date and time in São Paulo.
    """
    repairing = _Repairing(settings, care, findings, mend_of(care, settings, now))
    for run_id in repairing.keys_of("stop"):
        repairing.attempt(run_id, stop_run, settings.glue_job, run_id)
    brought = repairing.make_raw_again(now)
    for each in (each for each in findings if each.heals == "register"):
        repairing.attempt(each.places[0], _register, settings, each)
    if care.dataset is not None:
        repairing.bring_to_readers(subject_of(settings, care.dataset), brought)
    return repairing.why_not


@dataclass
class _Repairing:
    """The repair of one dataset."""

    settings: Settings
    care: Care
    findings: Sequence[Finding]
    mend: Callable[[str], str]
    why_not: WhyNot = field(default_factory=dict)

    def keys_of(self, heals: Heal) -> list[str]:
        found = (key for each in self.findings if each.heals == heals for key in each.keys)
        return list(dict.fromkeys(found))

    def months_of(self, heals: Heal) -> set[str]:
        return {month for each in self.findings if each.heals == heals for month in each.months}

    def attempt(
        self, what: str, step: Callable[..., object], *given: object, places: Sequence[str] = ()
    ) -> None:
        """Take a step; where it fails, that is noted of its places, and the others go on."""
        try:
            said = step(*given)
        except Exception as error:
            if not is_expected(error):
                raise
            reason = str(in_words(error))
            self.why_not |= dict.fromkeys(places or (what,), reason)
            get_run_logger().warning("%s is not healed: %s", what, reason)
        else:
            get_run_logger().info("%s: %s", what, said or "healed")

    def make_raw_again(self, now: dt.datetime) -> set[str]:
        """Bring back what raw and landing lack; return the months that raw has got more of."""
        lacking = [key for key in self.keys_of("mend") if not _is_held(self.settings, key)]
        wanted = [*lacking, *self.keys_of("land")]
        was = self._list_raw(wanted)
        for key in lacking:
            if not _is_held(self.settings, key):  # one file may have brought several
                self.attempt(key, self.mend, key)
        for key in self.keys_of("land"):
            self.attempt(key, self.care.land, self.settings, now, key)
        if self.care.dataset is None:  # nothing is refined of it, so nobody else makes it again
            for key in self.keys_of("publish"):
                self.attempt(key, self.mend, key)
            return set()
        sound = [key for key in wanted if key not in self.why_not]
        came = dict(self._list_raw(wanted).items() - was.items())
        return {month_of(_table_of(key).session_of(key)) for key in (*sound, *came)}

    def _list_raw(self, keys: Sequence[str]) -> dict[str, str]:
        """Return what raw holds of the years of some objects: B3's file of one brings others."""
        if self.care.dataset is None:
            return {}
        years = {(_table_of(key), _table_of(key).value_of(key)[:4]) for key in keys}
        found: dict[str, str] = {}
        for table, year in years:
            found |= list_raw(self.settings.lake_bucket, table, year)
        return found

    def bring_to_readers(self, subject: Subject, brought: set[str]) -> None:
        """Publish what readers do not see as it should be, but for months that a gap stops."""
        ordinary = self.months_of("publish") | self.months_of("follow") | brought
        stopped = {
            month: each.found
            for each in self.findings
            if each.kind == "commit missing"
            for month in each.months
        }
        for wanted, force in ((ordinary, False), (self.months_of("publish again"), True)):
            for month in wanted & stopped.keys():
                self.why_not[f"{subject} {month}"] = f"{stopped[month]}: restore it first."
            months = sorted(wanted - stopped.keys())
            if months:
                places = [f"{subject} {month}" for month in months]
                self.attempt(str(subject), self._publish, subject, months, force, places=places)

    def _publish(self, subject: Subject, months: list[str], is_forced: bool) -> str:  # noqa: FBT001
        result = publish_months(subject, months, force=is_forced, mend=self._mend_after_all)
        for month in months:  # what failed before may have been done after all
            self.why_not.pop(f"{subject} {month}", None)
        for month, error in result.failures.items():
            self.why_not[f"{subject} {month}"] = str(error)
        return f"{count(len(months) - len(result.failures), 'month')} as raw has it"

    def _mend_after_all(self, key: str) -> str:
        said = self.mend(key)
        self.why_not.pop(key, None)
        return said


def _register(settings: Settings, finding: Finding) -> None:
    """Have the partitions of a raw table be where its objects are."""
    bucket, table = settings.lake_bucket, next(t for t in TABLES if t.name == finding.table)
    register_partitions(settings.database, table, bucket, finding.keys)
    found = list_locations(settings.database, table.name)
    for value in finding.keys:
        right = f"s3://{bucket}/{table.folder(value)}"
        if found.get(value) != right:
            where = (settings.database, table.name, value, right)
            point_partition(*where, is_there=True, parameters={})


def _is_held(settings: Settings, key: str) -> bool:
    """Return whether raw holds an object by now, so that nothing older is put in its place."""
    table = _table_of(key)
    if table.partition_key.name != "trading_date":
        return False  # a year that lacks sessions is fetched as a whole
    return table.name_of(key) in list_names(settings.lake_bucket, table, table.value_of(key))


def _table_of(key: str) -> Table:
    return next(table for table in TABLES if key.startswith(table.prefix))
