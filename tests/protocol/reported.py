"""Flows on the stage whose last step makes reports, from B3's replay to pages."""

import datetime as dt
import itertools
from collections.abc import Callable
from functools import partial
from inspect import unwrap
from typing import Any

import pytest

from flows.import_portfolio import import_portfolio
from flows.levels import index_levels
from flows.portfolio import daily_portfolio
from flows.quotes import daily_quotes
from flows.reconcile import reconcile
from flows.report import report
from infra.local.b3.replay import Replay
from infra.local.b3.sessions import SESSIONS
from tasks import report as artifacts
from tasks.session_pages import Bucket
from tests.protocol.lake import Lake
from tests.protocol.stage import Actor, Stage

REPORTS = "reports/portfolio/"
D1, D2, D3 = SESSIONS
FLOWS: dict[str, Callable[..., Any]] = {
    "portfolio": unwrap(daily_portfolio.fn),
    "quotes": unwrap(daily_quotes.fn),
    "levels": unwrap(index_levels.fn),
    "reconcile": unwrap(reconcile.fn),
    "import": unwrap(import_portfolio.fn),
    "report": unwrap(report.fn),
}


class Scene:
    """The lake, B3's replay, and flows by name.

    Attributes:
        pages: The artifacts that runs have made: `{key: (text, description)}`.
    """

    def __init__(self, stage: Stage, lake: Lake, replay: Replay) -> None:
        self.stage, self.lake, self.replay = stage, lake, replay
        self.artifacts: dict[str, tuple[str, str]] = {}
        self._numbers = itertools.count()

    def actor(self, flow: str, *args: Any, **parameters: Any) -> Actor:
        """Bring a flow on."""
        act = partial(FLOWS[flow], *args, **parameters)
        return self.stage.actor(f"{flow}-{next(self._numbers)}", act)

    def run(self, flow: str, *args: Any, **parameters: Any) -> str:
        """Run a flow; return its outcome."""
        state = self.actor(flow, *args, **parameters).ends()
        assert state.is_completed()
        return str(state.message)

    def portfolio(self, *codes: str, session: dt.date = D3) -> str:
        """Bring a session of indices, as B3 shows it."""
        self.replay.show(session)
        return self.run("portfolio", index_codes=codes, trading_date=session)

    def reports(self) -> dict[str, bytes]:
        """Every page, by its path."""
        keys = self.lake.keys(REPORTS)
        return {key.removeprefix(REPORTS): self.lake.body(key) for key in keys}

    def forget_reports(self) -> None:
        """Have no page there any more."""
        self.lake.delete(self.lake.keys(REPORTS))

    def writes(self) -> list[str]:
        """The pages that were written since it was asked last."""
        written, self._written[:] = list(self._written), []
        return written

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Note what is written of pages, and what artifacts are made."""
        self._written: list[str] = []
        put = Bucket.write

        def write(place: Any, about: str, pages: Any) -> None:
            put(place, about, pages)
            self._written.extend(pages)

        def keep(key: str, markdown: str, description: str) -> None:
            self.artifacts[key] = (markdown, description)

        patch.setattr(Bucket, "write", write)
        patch.setattr(artifacts, "create_markdown_artifact", keep)
