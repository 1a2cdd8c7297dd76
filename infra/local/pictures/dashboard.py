"""The pages to be shown: of the dashboard, and the report of a session."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.local.pictures.page import DESK, PHONE, BrowserError, Look, Page
from infra.local.pictures.platform import Platform
from infra.local.pictures.runs import RUNS, SHOWN, Run

DEPLOYMENTS = (
    *("backfill", "daily-portfolio", "daily-quotes", "freshness", "import-portfolio"),
    *("index-levels", "reconcile", "report", "vacuum", "verify"),
)
_RUN_SECONDS = 300.0
_WORKING_SECONDS = 8.0  # of Glue's, before it is looked at
_FULL_SCREEN = "document.querySelector('svg.lucide-expand').closest('button')"


@dataclass(frozen=True)
class Picture:
    """A page to be shown.

    Attributes:
        name: Of its file.
        path: Below the dashboard's address; `{run}`, `{artifact}` and `{deployment}` stand for ids.
            Of a page of the lake, below that.
        run: The run that it is about, by its key in `RUNS`.
        artifact: What the key of an artifact of that run begins with.
        deployment: The name of a deployment.
        is_whole: Show what lies below the window's edge as well.
        is_full_screen: Show the graph alone.
        while_working: Take it while Glue works, and not once the run has ended.
        is_optional: There may be no such artifact.
        is_in_lake: It is a page of the lake.
        is_in_docs: The docs show it: it is small enough for them.
        look: How it is looked at.
    """

    name: str
    path: str
    run: str | None = None
    artifact: str | None = None
    deployment: str | None = None
    is_whole: bool = True
    is_full_screen: bool = False
    while_working: bool = False
    is_optional: bool = False
    is_in_lake: bool = False
    is_in_docs: bool = False
    look: Look = DESK

    @property
    def shows_logs(self) -> bool:
        """Whether it shows the log of its run."""
        return self.path.endswith("=Logs")


_RUN, _ARTIFACT = "runs/flow-run/{run}", "artifacts/artifact/{artifact}"
_DEPLOYMENT = "deployments/deployment/{deployment}"
_DESK = Look(width=1040, height=1560)


def _of_run(run: str, *tabs: str) -> Iterable[Picture]:
    names = {"Logs": "logs", "Details": "details", "TaskRuns": "tasks", "Artifacts": "artifacts"}
    return [Picture(f"{run}-{names[tab]}", f"{_RUN}?tab={tab}", run) for tab in tabs]


def _of_report(name: str, look: Look, run: str = "reconciled") -> Picture:
    return Picture(
        f"report-{name}",
        f"reports/portfolio/{SHOWN}/IBOV.html",
        run,
        is_whole=False,
        is_in_lake=True,
        is_in_docs=True,
        look=look,
    )


PICTURES = (
    *_of_run("import", "Logs"),
    Picture("published", _RUN, "published", is_whole=False, is_in_docs=True),
    Picture("published-graph", _RUN, "published", is_whole=False, is_full_screen=True),
    *_of_run("published", "Logs", "Details", "TaskRuns", "Artifacts"),
    Picture("audit", _ARTIFACT, "published", "audit-portfolio-", is_in_docs=True),
    Picture("audit-history", f"artifacts/key/audit-portfolio-{SHOWN[:7]}", "published"),
    Picture("portfolio-page", _ARTIFACT, "published", "portfolio-ibov"),
    Picture("links", _ARTIFACT, "published", "links-portfolio"),
    Picture("failed", _RUN, "failed", is_whole=False),
    *_of_run("failed", "Logs", "Details", "Artifacts"),
    Picture("failed-artifact", _ARTIFACT, "failed", "", is_optional=True, is_in_docs=True),
    Picture("working", _RUN, "backfill", while_working=True),
    Picture("working-progress", _ARTIFACT, "backfill", "progress-", while_working=True),
    *_of_run("backfill", "Logs"),
    Picture("progress", _ARTIFACT, "backfill", "progress-"),
    Picture("backfill-sessions", _ARTIFACT, "backfill", "backfill-"),
    Picture("audit-quotes", _ARTIFACT, "backfill", "audit-quotes-2025-07"),
    *_of_run("vacuum", "Logs"),
    *_of_run("cancelled", "Logs", "Details"),
    *(Picture(f"form-{name}", f"{_DEPLOYMENT}/run", deployment=name) for name in DEPLOYMENTS),
    *(
        Picture(f"deployment-{name}", f"{_DEPLOYMENT}?tab=Description", deployment=name)
        for name in DEPLOYMENTS
    ),
    Picture("deployments", "deployments"),
    Picture("runs", "runs"),
    Picture("dashboard", "dashboard", is_whole=False),
    Picture("artifacts", "artifacts"),
    Picture("automations", "automations"),
    _of_report("dark", replace(_DESK, scheme="dark")),
    _of_report("phone", PHONE),
    _of_report("light", _DESK, "in-english"),  # last: it takes the place of the Portuguese page
)


class Dashboard:
    """Takes pictures, and makes the runs that they are about where they are not there yet."""

    def __init__(self, platform: Platform, page: Page, to: Path, wanted: list[Picture]) -> None:
        self._platform, self._page, self._to = platform, page, to
        self._working = [one for one in wanted if one.while_working]
        self._runs: dict[str, str] = {}
        self._taken: set[str] = set()

    def show(self, picture: Picture) -> bool:
        """Take a picture, and say what became of it; return whether it is there now."""
        if picture.run:
            self._run(picture.run)  # takes those of while it works
        if picture.name not in self._taken:
            try:
                said = "Glue works no more" if picture.while_working else self._take(picture)
            except (BrowserError, ValueError) as error:
                said = str(error)
            print(f"{picture.name}: {said}", flush=True)
        return picture.name in self._taken or picture.is_optional

    def _take(self, picture: Picture) -> str:
        ids = {"run": self._run(picture.run) if picture.run else ""}
        if picture.deployment:
            ids["deployment"] = self._platform.deployments[picture.deployment]
        if picture.artifact is not None:
            artifact = self._platform.artifact(picture.artifact, ids["run"])
            if artifact is None:
                return f"the run has no artifact {picture.artifact}*"
            ids["artifact"] = artifact["id"]
        site = f"{self._platform.api.removesuffix('/api')}/v2"
        base = self._platform.lake.as_uri() if picture.is_in_lake else site
        is_at_rest = self._page.open(f"{base}/{picture.path.format(**ids)}", picture.look)
        if picture.is_full_screen:
            self._page.click(_FULL_SCREEN)
        if picture.is_whole:
            self._page.grow()
        file = self._to / f"{picture.name}.png"
        self._page.save(file, is_small=picture.is_in_docs)
        self._page.leave()
        self._taken.add(picture.name)
        if picture.shows_logs:
            lines = map(describe, self._platform.logs(ids["run"]))
            file.with_suffix(".txt").write_text("".join(f"{line}\n" for line in lines))
        rest = "" if is_at_rest else ", while the page still changed"
        return f"{file.stat().st_size // 1000} KB{rest}"

    def _run(self, key: str) -> str:
        if key not in self._runs:
            self._make(key, RUNS[key])
        return self._runs[key]

    def _make(self, key: str, run: Run) -> None:
        for other in run.after:
            self._run(other)
        parameters = run.parameters
        if run.saved:
            parameters = parameters | {"files": [self._platform.save_inbox_file(run.saved, SHOWN)]}
        run_id = self._runs[key] = self._platform.start(key, run.deployment, parameters)
        working = [picture for picture in self._working if picture.run == key]
        if (run.is_cancelled or working) and self._platform.wait_until_glue_works(
            run_id, _RUN_SECONDS
        ):
            if run.is_cancelled:
                self._platform.cancel(run_id)
            else:
                time.sleep(_WORKING_SECONDS)
            for picture in working:
                print(f"{picture.name}: {self._take(picture)}", flush=True)
        ended = self._platform.wait_until_ended(run_id, _RUN_SECONDS)
        print(f"  run {ended['name']}: {describe_state(ended)}", flush=True)


def describe(line: dict[str, Any]) -> str:
    """Write a line of a run's log: time, level, logger, message."""
    level = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR"}.get(line["level"], "CRITICAL")
    return f"{line['timestamp'][11:19]} {level:7} {line['name']}: {line['message']}"


def describe_state(run: dict[str, Any]) -> str:
    """Write how a run ended, and why, in one line."""
    message = (run["state"] or {}).get("message") or ""
    return f"{run['state_name']} {' '.join(message.split())}".rstrip()


# What forms are to take or to refuse.
VALUES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("daily-portfolio", {"index_codes": ["IBOV"], "trading_date": SHOWN}),
    ("daily-portfolio", {"index_codes": ["ibov"]}),
    ("daily-portfolio", {"index_codes": ["IB-OV!"]}),
    ("daily-portfolio", {"index_codes": []}),
    ("daily-portfolio", {"index_codes": ["all", "IBOV"]}),
    ("daily-portfolio", {"trading_date": "04/08/2025"}),
    ("daily-portfolio", {"trading_date": "2025-08-03"}),
    ("daily-quotes", {"trading_date": "04/08/2025"}),
    ("index-levels", {"year": 25}),
    ("backfill", {}),
    ("backfill", {"start": "2025-08-04", "end": "2025-07-01"}),
    ("backfill", {"index_code": "IB-OV!"}),
    ("import-portfolio", {}),
    ("import-portfolio", {"files": []}),
    ("freshness", {"datasets": ["prices"]}),
    ("vacuum", {"grace_days": 0}),
    ("verify", {"datasets": []}),
)


def try_values(platform: Platform) -> list[str]:
    """Return what the forms say to values; no run comes about."""
    return [
        f"{name} {json.dumps(parameters)}\n    {platform.check(name, parameters)}"
        for name, parameters in VALUES
    ]
