"""The areas of the code, their files, and the narrowest tests of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from tests.mutants import of_python, of_text
from tests.mutants.change import Change

Changes = Callable[[str, bytes], Iterator[Change]]


@dataclass(frozen=True)
class Area:
    """Files whose changes are counted together.

    Attributes:
        name: As it is asked for.
        files: Patterns of its files; one that begins with `!` takes some out again.
        ways: What yields the changes of a file.
    """

    name: str
    files: tuple[str, ...]
    ways: tuple[Changes, ...] = (of_python.changes,)

    def holds(self, path: str) -> bool:
        """Return whether a file is of the area."""
        out = [each[1:] for each in self.files if each.startswith("!")]
        return any(fnmatch(path, each) for each in self.files) and not any(
            fnmatch(path, each) for each in out
        )

    def changes(self, path: str, source: bytes) -> Iterator[Change]:
        """Yield the changes of a file of the area."""
        for way in self.ways:
            yield from way(path, source)


AREAS = (
    Area("core", ("tasks/core/*.py",)),
    Area("tasks", ("tasks/*.py", "!tasks/core/*")),
    Area("flows", ("flows/*.py",)),
    Area(
        "statements",
        ("tasks/core/*/tables.py", "tasks/core/*/period_tables.py"),
        (of_text.of_sql,),
    ),
    Area("statements", ("infra/glue/refine.py",)),
    Area("deployments", ("deployments/*.py",)),
    Area("prefect.yaml", ("prefect.yaml",), (of_text.of_yaml,)),
    Area("terraform", ("infra/terraform/*.tf", "!*/tests/*"), (of_text.of_terraform,)),
)
NAMES = tuple(dict.fromkeys(area.name for area in AREAS))

_STATEMENTS = ("standin/test_golden.py", "standin/test_odd_raw.py")
_VERIFY = ("unit/test_verify.py", "unit/test_operations.py")
_OF_VERIFY = ("protocol/test_verify.py",)
_COMMANDS = "unit/test_mains.py"
_NAMES = "deployments/test_forms.py::test_runs_are_named_by_what_they_are_about"
_LIMITS = "tasks/test_retries.py::test_a_limit_is_what_was_decided"
_OF_BACKFILL = (
    "flows/test_backfill_plan.py",
    "flows/test_backfill_stale.py",
    "protocol/test_quotes_of_the_past.py",
)
_OF_PERIOD = ("flows/test_period.py", "flows/test_import_period.py", "protocol/test_period.py")
_OF_PORTFOLIO = (
    "flows/test_portfolio.py",
    "flows/test_all_indices.py",
    "flows/test_mending.py",
    "protocol/test_all_indices.py",
)
_OF_MENDING = ("flows/test_mending.py", "protocol/test_raw.py")
_STEPS = "tasks/test_retries.py"  # how often each is tried again, and every limit
_OF_HTTP = (
    "tasks/test_download_answers.py",
    "tasks/test_download.py",
    "tasks/test_download_quotes.py",
    _STEPS,
)
_OF_QUOTES = ("flows/test_quotes.py", "flows/test_quotes_loading.py")
_OF_REPORTS = ("protocol/test_reports.py",)
# What notices a change of a file, below tests/: the longest beginning of the path counts,
# `area:path` before the path alone. They run in this order, to the first failure; before them comes
# the file that bears the module's name, where a folder that is named here holds one.
NARROWEST: dict[str, tuple[str, ...]] = {
    "tasks/core/": ("unit",),
    "tasks/core/answers.py": ("unit/test_answers.py", "unit/levels", "unit/portfolio"),
    "tasks/core/attempt.py": (
        "unit/test_attempt.py",
        "unit/test_commit.py",
        "unit/test_refine_job.py",
    ),
    "tasks/core/academy.py": ("tasks/test_refusals.py", "deployments/test_existing_role.py"),
    "tasks/core/backfill.py": ("unit/test_backfill.py",),
    "tasks/core/checks.py": ("unit/test_checks.py", "unit/levels", "unit/quotes/test_audit.py"),
    "tasks/core/commit.py": ("unit/test_commit.py", "unit/test_views.py", "unit/test_vacuum.py"),
    "tasks/core/console.py": ("unit/test_console.py",),
    "tasks/core/dataset.py": (
        "unit/test_dataset.py",
        "unit/test_datasets.py",
        "unit/test_plan.py",
        "unit/test_tables.py",
        "unit/portfolio/test_audit.py",
    ),
    "tasks/core/download.py": ("unit/test_download.py", "unit/portfolio/test_pages.py"),
    "tasks/core/errors.py": ("unit/test_errors.py", "unit/test_advice.py"),
    "tasks/core/exchange.py": ("unit/test_exchange.py", "unit/quotes/test_due.py"),
    "tasks/core/findings.py": _VERIFY,
    "tasks/core/footer.py": ("unit/test_footer.py", "tasks/test_damaged_footers.py"),
    "tasks/core/freshness.py": ("unit/test_freshness.py",),
    "tasks/core/indices.py": ("unit/test_indices.py",),
    "tasks/core/inventory.py": _VERIFY,
    "tasks/core/job_runs.py": ("unit/test_job_runs.py",),
    "tasks/core/landing.py": (*_VERIFY, "tasks/test_landing.py"),
    "tasks/core/leftovers.py": _VERIFY,
    "tasks/core/levels/": ("unit/levels", "unit/test_numbers.py", "unit/test_verify.py"),
    "tasks/core/month.py": (
        "unit/test_commit.py",
        "unit/test_backfill.py",
        "unit/test_progress.py",
        "tasks/test_month.py",
        "tasks/test_refine.py",
    ),
    "tasks/core/numbers.py": ("unit/test_numbers.py",),
    "tasks/core/outcome.py": ("unit/test_outcome.py",),
    "tasks/core/past_sessions.py": ("unit/test_exchange.py",),
    "tasks/core/plan.py": ("unit/test_plan.py", "unit/test_refine_job.py", "unit/test_commit.py"),
    "tasks/core/portfolio/": ("unit/portfolio", "unit/test_datasets.py"),
    "tasks/core/progress.py": ("unit/test_progress.py",),
    "tasks/core/quotes/": ("unit/quotes",),
    "tasks/core/quotes/block.py": ("unit/quotes/test_archive.py", "unit/quotes"),
    "tasks/core/quotes/zipped.py": ("unit/quotes/test_archive.py", "unit/quotes"),
    "tasks/core/reconciliation/": ("unit/reconciliation", "protocol/test_reconcile.py"),
    "tasks/core/session_report/": ("unit/session_report",),
    "tasks/core/texts.py": ("unit/test_texts.py",),
    "tasks/core/vacuum.py": ("unit/test_vacuum.py", "unit/test_verify.py"),
    "tasks/core/verify.py": _VERIFY,
    "tasks/core/verify_raw.py": _VERIFY,
    "tasks/core/views.py": ("unit/test_views.py",),
    "tasks/core/wording.py": ("unit/test_texts.py", "unit/test_checks.py"),
    "tasks/": ("tasks",),
    "tasks/catalog.py": ("tasks/test_catalog.py", _STEPS, "tasks/test_shelf.py"),
    "tasks/deadline.py": _OF_HTTP[:2],
    "tasks/disk.py": ("tasks/test_refusals.py",),
    "tasks/download.py": (
        "tasks/test_download.py",
        "tasks/test_download_indices.py",
        "tasks/test_bad_answers.py",
        "tasks/test_reading_levels.py",
        _STEPS,
    ),
    "tasks/download_period.py": ("tasks/test_download_period.py", _STEPS),
    "tasks/download_quotes.py": ("tasks/test_download_quotes.py", _STEPS),
    "tasks/duckdb_file.py": ("flows/test_views.py", "protocol/test_views.py"),
    "tasks/glue.py": ("tasks/test_glue.py", _STEPS),
    "tasks/http": _OF_HTTP,
    "tasks/inventory": ("tasks/test_inventory.py", *_OF_VERIFY, _STEPS),
    "tasks/landing.py": ("tasks/test_landing.py",),
    "tasks/month.py": ("tasks/test_month.py", _STEPS),
    "tasks/objects.py": (
        "tasks/test_objects.py",
        "tasks/test_store.py",
        "tasks/test_reading.py",
        "tasks/test_download.py",
        "tasks/test_landing.py",
        _STEPS,
    ),
    "tasks/places.py": ("tasks/test_saved_files.py",),
    "tasks/published.py": ("tasks/test_published.py", _STEPS),
    "tasks/reading.py": (
        "tasks/test_reading.py",
        "tasks/test_reading_levels.py",
        "tasks/test_landing.py",
        "tasks/test_download_quotes.py",
        _STEPS,
    ),
    "tasks/reading_period.py": ("tasks/test_reading_period.py", "flows/test_period.py"),
    "tasks/refine.py": ("tasks/test_refine.py", _STEPS),
    "tasks/refusals.py": ("tasks/test_refusals.py",),
    "tasks/report.py": ("tasks/test_report.py",),
    "tasks/retries.py": (_STEPS, "tasks/test_sweep.py", "tasks/test_tried_again.py"),
    "tasks/runs.py": ("tasks/test_runs.py", "tasks/test_shelf.py", _STEPS),
    "tasks/saved_files.py": ("tasks/test_saved_files.py", _STEPS),
    "tasks/session_pages.py": ("tasks/test_session_pages.py", _STEPS),
    "tasks/shelf.py": ("tasks/test_shelf.py", "tasks/test_month.py", _STEPS),
    "tasks/side_by_side.py": ("tasks/test_side_by_side.py", _STEPS),
    "tasks/site.py": (
        "tasks/test_download.py",
        "tasks/test_reading_levels.py",
        "tasks/test_download_period.py",
    ),
    "tasks/store.py": ("tasks/test_store.py", "tasks/test_store_files.py", _STEPS),
    "tasks/sweep.py": ("tasks/test_sweep.py", _STEPS),
    "tasks/turns.py": ("tasks/test_turns.py", *_OF_HTTP),
    "tasks/views.py": ("tasks/test_views.py", "flows/test_views.py", "protocol/test_views.py"),
    "tasks/work_at_hand.py": ("tasks/test_work_at_hand.py", "tasks/test_sweep.py", *_OF_VERIFY),
    "flows/": ("flows", "unit", "protocol"),
    "flows/advice.py": ("unit/test_advice.py",),
    "flows/backfill": (_COMMANDS, *_OF_BACKFILL, _NAMES),
    "flows/care.py": ("flows/test_verify_mending.py", *_OF_VERIFY),
    "flows/command.py": (
        "unit/test_command.py",
        "unit/test_usage.py",
        "unit/test_temporary_server.py",
        "flows/test_portfolio.py",
    ),
    "flows/dashboard.py": ("flows/test_ending.py", "flows/test_gone_api.py"),
    "flows/ending.py": ("flows/test_ending.py", "flows/test_gone_api.py"),
    "flows/fetching.py": ("flows/test_fetching.py", _LIMITS, "flows/test_all_indices.py"),
    "flows/forms.py": ("deployments/test_forms.py", "flows/test_vacuum.py"),
    "flows/freshness.py": (_COMMANDS, "flows/test_freshness.py", _NAMES),
    "flows/import_portfolio.py": (
        _COMMANDS,
        "flows/test_import_portfolio.py",
        "flows/test_import_period.py",
        _NAMES,
    ),
    "flows/indices.py": (
        _LIMITS,
        "flows/test_all_indices.py",
        "flows/test_freshness.py",
        "flows/test_levels.py",
    ),
    "flows/leaving.py": ("unit/test_command.py", "flows/test_gone_api.py"),
    "flows/levels.py": (_COMMANDS, "flows/test_levels.py", _NAMES, "flows/test_freshness.py"),
    "flows/levels_mending.py": (_LIMITS, "flows/test_verify_mending.py", *_OF_VERIFY),
    "flows/orchestrator.py": ("flows/test_gone_api.py",),
    "flows/period_loading.py": (_LIMITS, *_OF_PERIOD),
    "flows/portfolio": _OF_PORTFOLIO,
    "flows/portfolio.py": (_COMMANDS, *_OF_PORTFOLIO, _NAMES),
    "flows/portfolio_mending.py": (_LIMITS, "flows/test_mending.py", "flows/test_period.py"),
    "flows/probe.py": ("flows/test_probe.py",),
    "flows/quotes.py": (_COMMANDS, *_OF_QUOTES, _NAMES),
    "flows/quotes_loading.py": (*_OF_QUOTES, "protocol/test_quotes_of_the_past.py"),
    "flows/quotes_mending.py": _OF_QUOTES,
    "flows/reconcile.py": (_COMMANDS, "protocol/test_reconcile.py", _NAMES),
    "flows/reconciling.py": ("protocol/test_reconcile.py",),
    "flows/repair.py": ("flows/test_repair.py", *_OF_VERIFY),
    "flows/report": _OF_REPORTS,
    "flows/report.py": (_COMMANDS, *_OF_REPORTS, _NAMES),
    "flows/settings.py": ("unit/test_settings.py",),
    "flows/telling.py": ("unit/test_terminal.py", "flows/test_ending.py"),
    "flows/temporary_server.py": ("unit/test_temporary_server.py",),
    "flows/terminal.py": ("unit/test_terminal.py", "unit/test_command.py"),
    "flows/usage.py": ("unit/test_usage.py",),
    "flows/vacuum.py": (_COMMANDS, "flows/test_vacuum.py", _NAMES),
    "flows/verify.py": (
        _COMMANDS,
        _LIMITS,
        "flows/test_verify_mending.py",
        *_OF_VERIFY,
        _NAMES,
    ),
    "flows/views.py": ("flows/test_views.py", "protocol/test_views.py"),
    "statements:tasks/core/": _STATEMENTS,
    "statements:tasks/core/reconciliation/": (
        "standin/test_golden.py",
        "unit/reconciliation",
        "protocol/test_reconcile.py",
    ),
    "infra/glue/": ("unit/test_refine_job.py", "standin/test_golden.py", "standin/test_spark.py"),
    "deployments/": ("deployments",),
    "deployments/verify": ("deployments/test_verify.py",),
    "deployments/automations.py": ("deployments/test_automations.py", "unit/test_operations.py"),
    "deployments/backend.py": ("deployments/test_backend.py",),
    "deployments/checks.py": ("deployments/test_deploy.py",),
    "deployments/command.py": ("deployments/test_deploy.py", "deployments/test_destroy.py"),
    "deployments/deploy.py": ("deployments/test_deploy.py",),
    "deployments/destroy.py": ("deployments/test_destroy.py",),
    "deployments/emulation.py": ("deployments/test_emulation.py",),
    "deployments/environment.py": ("deployments/test_environment.py", "deployments/test_deploy.py"),
    "deployments/existing_role.py": ("deployments/test_existing_role.py",),
    "deployments/holdings.py": ("deployments/test_holdings.py",),
    "deployments/image.py": ("deployments/test_image.py", "deployments/test_deploy.py"),
    "deployments/polling.py": ("deployments/test_verify.py",),
    "deployments/changelog.py": ("deployments/test_release.py",),
    "deployments/release": ("deployments/test_release.py",),
    "deployments/repository.py": ("deployments/test_release.py",),
    "deployments/schedules.py": ("deployments/test_schedules.py",),
    "deployments/settings.py": ("deployments/test_template.py", "deployments/test_work_pool.py"),
    "deployments/settle.py": ("deployments/test_settle.py",),
    "deployments/state.py": ("deployments/test_state.py",),
    "deployments/template.py": ("deployments/test_template.py",),
    "deployments/terraform.py": ("deployments/test_terraform.py",),
    "deployments/variables.py": ("deployments/test_variables.py", "deployments/test_deploy.py"),
    "deployments/verify_schedules.py": ("deployments/test_verify_schedules.py",),
    "deployments/work_pool.py": ("deployments/test_work_pool.py",),
    "prefect.yaml": ("deployments/test_prefect_yaml.py", "deployments"),
    "infra/terraform/": (
        "infra/test_facts.py",
        "infra/test_permissions.py",
        "infra/test_terraform.py",
    ),
}


def tests_of(area: str, path: str, files: set[str]) -> tuple[str, ...]:
    """Return the narrowest tests of a file.

    Args:
        area: The area that the file is looked at in.
        path: The file.
        files: Every file of the tree.

    Returns:
        Files and folders, from the root of the tree, in the order to run them.
    """
    fitting = [each for each in NARROWEST if f"{area}:{path}".startswith(each)]
    fitting = fitting or [each for each in NARROWEST if path.startswith(each)]
    listed = [f"tests/{each}" for each in NARROWEST[max(fitting, key=len)]]
    name = path.rpartition("/")[2]
    own = [f"{each}/test_{name}" for each in listed if not each.endswith(".py")]
    return tuple(dict.fromkeys([*(each for each in own if each in files), *listed]))
