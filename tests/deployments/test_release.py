"""A release, made in clones of a small project with a remote of its own."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployments import changelog, release
from deployments.release_checks import read_versions
from deployments.repository import Repository
from tests.conftest import ROOT

COMMITTED, LATER = "2025-08-01T12:00:00+00:00", "2025-08-05T01:00:00+00:00"
DAY, TODAY = dt.date(2025, 8, 4), dt.date(2025, 8, 5)
NOTES = "The first release.\n\n### Added\n\n- A thing.\n- Another.\n\n### Known limits\n\n- One."
TOP = "# Changelog\n\nWhat it is.\n"
OPEN = f"{TOP}\n## [Unreleased]\n\n{NOTES}\n"
CLOSED = f"{TOP}\n## [Unreleased]\n\n## [0.1.0] - 2025-08-04\n\n{NOTES}\n"
MESSAGE = f"b3-pipeline 0.1.0\n\n{NOTES}"


class Clone:
    """A clone, what git says of it, and the command on it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, at: str = LATER) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, "GIT_COMMITTER_DATE": at},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str = "Change something", at: str = COMMITTED, **files: str) -> None:
        names = {"code": "tasks/__init__.py", "package": "pyproject.toml", "page": "CHANGELOG.md"}
        for name, text in files.items():
            self.write(names[name], text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, at=at)

    def version(self, version: str) -> None:
        package = f'[project]\nversion = "{version}"\n'
        self.commit(code=f'__version__ = "{version}"\n', package=package)

    def release(self, day: dt.date | None = None, today: dt.date = TODAY) -> int:
        return release.release(self.root, day, today)

    @property
    def page(self) -> str:
        return (self.root / "CHANGELOG.md").read_text(encoding="utf-8")

    def everything(self) -> tuple[str, ...]:
        """What a command that changes nothing leaves as it was."""
        status = self.git("status", "--porcelain", "--untracked-files=all")
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)")
        return self.git("rev-parse", "HEAD"), refs, status, self.page

    def made(self) -> tuple[str, ...]:
        """What a release leaves, but for times."""
        return (
            self.git("log", "--format=%s %T"),
            self.git("cat-file", "-t", "v0.1.0"),
            self.git("rev-parse", "v0.1.0^{tree}"),
            self.git("tag", "--list", "--format=%(contents)", "v0.1.0"),
            self.git("status", "--porcelain", "--untracked-files=all"),
            self.page,
        )


@pytest.fixture(scope="module")
def never_released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a project that has never been released and can be: its clone and its remote."""
    folder = tmp_path_factory.mktemp("never-released")
    configuration = folder / "gitconfig"
    configuration.write_text("[user]\nname = Somebody\nemail = somebody@example.com\n")
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
        patch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        patch.setenv("TZ", "UTC")
        clone = Clone(folder / "clone")
        clone.root.mkdir()
        clone.git("init", "--quiet", "--bare", "-b", "main", "../remote.git")
        clone.git("init", "--quiet", "-b", "main")
        clone.git("remote", "add", "origin", "../remote.git")
        shutil.copy(ROOT / ".gitignore", clone.root)
        clone.write("CHANGELOG.md", OPEN)
        clone.version("0.1.0")
        clone.git("push", "--quiet", "--set-upstream", "origin", "main")
        yield folder


@pytest.fixture
def clone(never_released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A clone of it, with a remote of its own."""
    for name in ("clone", "remote.git"):
        shutil.copytree(never_released / name, tmp_path / name)
    monkeypatch.setenv("GIT_COMMITTER_DATE", LATER)  # of what the command does
    for name in ("DEPLOY_REPOSITORY_URL", "DEPLOY_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return Clone(tmp_path / "clone")


def test_without_a_day_nothing_changes_and_every_step_is_told_in_order(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    before = clone.everything()
    assert clone.release() == 0
    assert clone.everything() == before
    told = capsys.readouterr().out
    assert f"\n\n{NOTES}\n\nNothing was changed." in told
    at = [
        told.index(each)
        for each in (
            "1. In CHANGELOG.md, [Unreleased] becomes [0.1.0] - YYYY-MM-DD",
            "2. Commit and tag",
            "  git commit -m 'Release 0.1.0' -- CHANGELOG.md\n",
            "  git tag -a v0.1.0 --cleanup=whitespace -F -\n",
            "  make release DATE=YYYY-MM-DD\n",
            "3. Push",
            "  git push --atomic origin main v0.1.0\n",
            "4. Build",
            "  export DEPLOY_REPOSITORY_URL=",
            "  make image\n",
            "  make push\n",
            "5. Deploy",
            "  make deploy ENV=prod",
        )
    ]
    assert at == sorted(at)


def test_a_day_turns_the_heading_commits_that_alone_and_tags_it_with_the_notes(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    before = clone.git("rev-parse", "HEAD")
    assert clone.release(DAY) == 0
    assert clone.page == CLOSED
    assert clone.git("rev-parse", "HEAD~1") == before
    assert clone.git("log", "-1", "--format=%s") == "Release 0.1.0"
    assert clone.git("diff", "--name-only", "HEAD~1") == "CHANGELOG.md"
    assert clone.git("cat-file", "-t", "v0.1.0") == "tag"
    assert clone.git("rev-parse", "v0.1.0^{commit}") == clone.git("rev-parse", "HEAD")
    assert clone.git("tag", "--list", "--format=%(contents)", "v0.1.0") == MESSAGE
    assert clone.git("status", "--porcelain", "--untracked-files=all") == ""
    assert clone.git("ls-remote", "origin").split() == [before, "HEAD", before, "refs/heads/main"]
    _, _, left = capsys.readouterr().out.partition("What is left, in this order:")
    assert left.lstrip().startswith("1. Push")
    assert f"<repository_url>:{clone.git('rev-parse', '--short=12', 'HEAD')}.\n" in left
    assert "export DEPLOY_REPOSITORY_URL=" in left
    assert "make release" not in left


@pytest.mark.parametrize("day", [None, DAY])
def test_a_release_that_is_made_is_left_alone_and_what_is_left_is_told(
    clone: Clone, capsys: pytest.CaptureFixture[str], day: dt.date | None
) -> None:
    clone.release(DAY)
    before = clone.everything()
    told = capsys.readouterr().out.partition("What is left")[2]
    assert clone.release(day) == 0
    assert clone.everything() == before
    assert capsys.readouterr().out.partition("What is left")[2] == told


def test_a_release_that_is_checked_out_by_its_tag_can_be_pushed_and_built(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.release(DAY)
    clone.commit("Go on")
    clone.git("checkout", "--quiet", "v0.1.0")
    assert clone.release() == 0
    assert "git push --atomic origin v0.1.0\n" in capsys.readouterr().out


# What a kill comes before, or after: whatever of these is the last that was done.
STEPS = [(Path, "write_text"), (Path, "replace"), (Repository, "commit_file"), (Repository, "tag")]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("of", "step"), STEPS, ids=lambda each: getattr(each, "__name__", each))
def test_killed_anywhere_the_same_command_goes_on(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: type, step: str, when: str
) -> None:
    whole = Clone(tmp_path / "whole")
    shutil.copytree(clone.root, whole.root)
    assert whole.release(DAY) == 0
    do: Callable[..., object] = getattr(of, step)

    def killed(*given: object, **more: object) -> object:
        if when == "after":
            do(*given, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(of, step, killed)
        with pytest.raises(KeyboardInterrupt):
            clone.release(DAY)
    assert clone.release() == 0  # a look changes nothing of it
    assert clone.release(DAY) == 0
    assert clone.made() == whole.made()


def test_a_look_at_a_release_that_was_stopped_names_the_day_it_has(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.write("CHANGELOG.md", CLOSED)
    assert clone.release() == 0
    told = capsys.readouterr().out
    assert "of a release that was stopped" in told
    assert "1. Commit and tag" in told
    assert "make release DATE=2025-08-04" in told


def test_a_section_that_a_person_has_written_and_committed_is_tagged_as_it_is(
    clone: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.commit("Write the release's section", page=CLOSED)
    head = clone.git("rev-parse", "HEAD")
    assert clone.release() == 0
    told = capsys.readouterr().out
    assert "1. Tag; the notes" in told
    assert "git commit" not in told
    assert clone.release(DAY) == 0
    assert clone.git("rev-parse", "HEAD") == head == clone.git("rev-parse", "v0.1.0^{commit}")


def test_what_changes_meanwhile_comes_into_no_commit(
    clone: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def replace_and_change(of: Path, to: Path) -> Path:
        dirty(clone)
        return replace(of, to)

    monkeypatch.setattr(Path, "replace", replace_and_change)
    assert clone.release(DAY) == 0
    assert clone.git("diff", "--name-only", "HEAD~1", "HEAD") == "CHANGELOG.md"
    assert "0.1.0 is made here" in capsys.readouterr().out


def test_what_is_staged_or_hooked_does_not_come_into_the_commit_by_itself(
    clone: Clone, capfd: pytest.CaptureFixture[str]
) -> None:
    hook = clone.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho no: mend this >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError):
        clone.release(DAY)
    assert "no: mend this" in capfd.readouterr().err
    assert clone.git("tag") == ""
    hook.unlink()
    clone.git("add", "CHANGELOG.md")
    assert clone.release(DAY) == 0
    assert clone.git("diff", "--name-only", "HEAD~1") == "CHANGELOG.md"


def test_tags_that_are_no_versions_are_none_of_a_release(clone: Clone) -> None:
    for tag in ("v9", "v1.0.0-rc1", "version", "9.0.0"):
        clone.git("tag", "-m", "Something", tag)
    assert clone.release(DAY) == 0


def test_the_next_release_stands_above_the_one_before(clone: Clone) -> None:
    clone.release(DAY)
    clone.version("0.1.1")
    clone.commit(page=CLOSED.replace("[Unreleased]\n", "[Unreleased]\n\n### Fixed\n\n- That.\n"))
    assert clone.release(TODAY) == 0
    names = [(each.name, each.day, each.text) for each in changelog.read_sections(clone.page)]
    assert names == [
        ("Unreleased", "", ""),
        ("0.1.1", "2025-08-05", "### Fixed\n\n- That."),
        ("0.1.0", "2025-08-04", NOTES),
    ]
    contents = clone.git("tag", "--list", "--format=%(contents)", "v0.1.1")
    assert contents == "b3-pipeline 0.1.1\n\n### Fixed\n\n- That."


def dirty(clone: Clone) -> None:
    clone.write("pyproject.toml", '[project]\nversion = "0.1.0"\nname = "b3"\n')


def staged(clone: Clone) -> None:
    dirty(clone)
    clone.git("add", "--all")


def dirty_beside_a_stopped_release(clone: Clone) -> None:
    clone.write("CHANGELOG.md", CLOSED)
    dirty(clone)


def lightweight(clone: Clone) -> None:
    clone.git("tag", "v0.1.0")


def tagged_without_a_section(clone: Clone) -> None:
    clone.git("tag", "-m", "Mine", "v0.1.0")


def released(clone: Clone) -> None:
    clone.release(DAY)
    clone.commit("Go on")


def below(version: str, *tags: str) -> Callable[[Clone], None]:
    def act(clone: Clone) -> None:
        for tag in tags:
            clone.git("tag", "-m", "A release", tag)
        clone.version(version)

    return act


def page(text: str) -> Callable[[Clone], None]:
    return lambda clone: clone.commit(page=text)


def version(text: str) -> Callable[[Clone], None]:
    return lambda clone: clone.version(text)


def tagged_and_stopped(clone: Clone) -> None:
    tagged_without_a_section(clone)
    clone.write("CHANGELOG.md", CLOSED)


WRONG: dict[str, tuple[Callable[[Clone], object], str]] = {
    "changed": (dirty, "pyproject.toml. Commit that"),
    "staged": (staged, "pyproject.toml. Commit that"),
    "new": (lambda clone: clone.write("flows/a.py", ""), "flows/a.py. Commit that"),
    "changed page": (
        lambda clone: clone.write("CHANGELOG.md", f"{OPEN}- More.\n"),
        "CHANGELOG.md. Commit that",
    ),
    "stopped and changed": (dirty_beside_a_stopped_release, "pyproject.toml. Commit that"),
    "stopped and written on": (
        lambda clone: clone.write("CHANGELOG.md", f"{CLOSED}- More.\n"),
        "CHANGELOG.md. Commit that",
    ),
    "no branch": (lambda clone: clone.git("checkout", "--quiet", "--detach"), "git switch main"),
    "two versions": (
        lambda clone: clone.commit(code='__version__ = "0.2.0"\n'),
        "0.2.0 in tasks/__init__.py, 0.1.0 in pyproject.toml: write the same",
    ),
    "no version": (lambda clone: clone.commit(code=""), "none in tasks/__init__.py"),
    "two numbers": (version("0.1"), "0.1: write three numbers"),
    "a zero before": (version("0.01.0"), "0.01.0: write three numbers"),
    "more than numbers": (version("0.1.0rc1"), "0.1.0rc1: write three numbers"),
    "below": (below("0.1.9", "v0.2.0"), "0.1.9 is below v0.2.0: write a higher one"),
    "below, by number": (below("0.9.5", "v0.9.0", "v0.10.0"), "0.9.5 is below v0.10.0"),
    "released": (released, "0.1.0 is released, v0.1.0 is "),
    "lightweight": (lightweight, "v0.1.0 without a message: git tag -d v0.1.0"),
    "no section": (tagged_without_a_section, "has no section of it: git tag -d v0.1.0"),
    "no section yet": (tagged_and_stopped, "has no section of it: git tag -d v0.1.0"),
    "nothing": (page(f"{TOP}\n## [Unreleased]\n"), "nothing under [Unreleased]: write"),
    "headings": (page(f"{TOP}\n## [Unreleased]\n\n### Added\n"), "nothing under [Unreleased]"),
    "both": (
        page(CLOSED.replace("## [0.1.0]", "- New.\n\n## [0.1.0]")),
        "a section [0.1.0], and something under [Unreleased] as well",
    ),
    "empty section": (
        page(f"{TOP}\n## [Unreleased]\n\n## [0.1.0] - 2025-08-04\n\n### Added\n"),
        "nothing under [0.1.0]",
    ),
    "not open": (page(CLOSED.replace("## [Unreleased]\n\n", "")), "no ## [Unreleased] as first"),
    "twice": (page(CLOSED.replace("## [Unreleased]", "## [Unreleased]\n\n" * 2)), "two sections"),
    "no brackets": (page(OPEN.replace("[Unreleased]", "Unreleased")), "'## Unreleased': write"),
    "no day": (page(CLOSED.replace(" - 2025-08-04", "")), "'## [0.1.0]': write"),
    "no such day": (page(CLOSED.replace("08-04", "02-30")), "'## [0.1.0] - 2025-02-30': write"),
    "a day of no form": (page(CLOSED.replace("-08-04", "0804")), "- 20250804': write"),
}


@pytest.mark.parametrize("day", [None, DAY], ids=["a look", "a day"])
@pytest.mark.parametrize(("make_wrong", "words"), WRONG.values(), ids=WRONG)
def test_what_does_not_hold_is_said_with_what_to_do_and_nothing_is_changed(
    clone: Clone,
    capsys: pytest.CaptureFixture[str],
    make_wrong: Callable[[Clone], object],
    words: str,
    day: dt.date | None,
) -> None:
    make_wrong(clone)
    before = clone.everything()
    capsys.readouterr()
    assert clone.release(day) == 1
    assert clone.everything() == before
    told = capsys.readouterr()
    assert words in told.out
    assert told.out.count("DOES NOT HOLD") == 1
    assert told.err.strip() == "Nothing was changed: mend this, and run it again."


def stopped(clone: Clone) -> None:
    clone.write("CHANGELOG.md", CLOSED)


def of_another_day(clone: Clone) -> None:
    clone.commit("Write the section", page=CLOSED.replace("08-04", "07-31"))


def of_a_day_to_come(clone: Clone) -> None:
    clone.commit("Write the section", page=CLOSED.replace("08-04", "08-06"))


def written_and_gone_on(clone: Clone) -> None:
    clone.commit("Write the section", page=CLOSED)
    clone.commit("Go on", at=LATER)


@pytest.mark.parametrize(
    ("make", "day", "words"),
    [
        (None, "2025-08-06", "2025-08-06 is still to come, today is 2025-08-05: give another"),
        (None, "2025-07-31", "before the latest commit, which is of 2025-08-01: give another day"),
        (stopped, "2025-08-05", "has 2025-08-04: give that, or git checkout CHANGELOG.md"),
        (page(CLOSED), "2025-08-05", "has 2025-08-04: give that, or write another day into"),
        (lambda clone: clone.release(DAY), "2025-08-05", "has 2025-08-04: give that, or give none"),
        (of_another_day, "", "before the latest commit, which is of 2025-08-01: write another day"),
        (of_a_day_to_come, "", "2025-08-06 is still to come"),
        (written_and_gone_on, "", "before the latest commit, which is of 2025-08-05"),
    ],
)
def test_a_day_that_cannot_be_the_releases_is_refused(
    clone: Clone,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Clone], object] | None,
    day: str,
    words: str,
) -> None:
    if make:
        make(clone)
    before = clone.everything()
    capsys.readouterr()
    assert clone.release(dt.date.fromisoformat(day) if day else None) == 1
    assert clone.everything() == before
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("day", [dt.date(2025, 8, 1), TODAY])
def test_the_day_of_the_latest_commit_and_today_will_do(clone: Clone, day: dt.date) -> None:
    assert clone.release(day) == 0
    assert f"## [0.1.0] - {day}\n" in clone.page


def test_a_commit_is_of_the_day_that_it_was_here(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.commit(at=LATER)
    for place, day in (("UTC", "2025-08-05"), ("America/Sao_Paulo", "2025-08-04")):
        monkeypatch.setenv("TZ", place)
        assert Repository(clone.root).last_day("CHANGELOG.md") == dt.date.fromisoformat(day)


def test_a_project_without_a_changelog_is_told(
    clone: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone.root / "CHANGELOG.md").unlink()
    monkeypatch.setattr(release, "_PROJECT", clone.root)
    assert release.main([]) == 1
    assert "CHANGELOG.md, found none: git checkout CHANGELOG.md." in capsys.readouterr().err


@pytest.mark.parametrize("git", ["none", "no clone"])
def test_where_git_knows_nothing_the_command_says_so(
    clone: Clone, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, git: str
) -> None:
    monkeypatch.setattr(release, "_PROJECT", clone.root)
    if git == "none":
        monkeypatch.setattr("shutil.which", lambda _: None)
    else:
        shutil.rmtree(clone.root / ".git")
    assert release.main([]) == 1
    told = capfd.readouterr().err
    assert ("Expected git in PATH, found none" in told) == (git == "none")
    assert ("git status --porcelain -z … ended with 128" in told) == (git == "no clone")


def test_the_registry_and_the_branch_of_the_clone_are_those_in_the_commands(
    clone: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_REPOSITORY_URL", "registry.example.com/b3")
    clone.git("remote", "rename", "origin", "ours")
    clone.git("branch", "--move", "stable")
    assert clone.release(DAY) == 0
    told = capsys.readouterr().out
    assert "git push --atomic ours stable v0.1.0\n" in told
    head = clone.git("rev-parse", "--short=12", "HEAD")
    assert f"the image of the commit, registry.example.com/b3:{head}.\n" in told
    assert "export" not in told


def test_an_image_that_would_be_built_in_place_of_the_commits_is_to_be_forgotten(
    clone: Clone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clone.release() == 0
    assert "DEPLOY_IMAGE" not in capsys.readouterr().out
    monkeypatch.setenv("DEPLOY_IMAGE", "registry.example.com/b3:0123abcdef01")
    assert clone.release() == 0
    assert "  unset DEPLOY_IMAGE\n     make image\n" in capsys.readouterr().out


@pytest.mark.parametrize("day", ["", "04/08/2025", "20250804", "2025-8-4", "2025-02-30", "today"])
def test_what_is_no_day_is_a_wrong_use(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        release.main(["--date", day])
    assert ended.value.code == 2
    assert "argument --date: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "day"), [([], None), (["--date", "2025-08-04"], dt.date(2025, 8, 4))]
)
def test_the_command_takes_a_day_and_no_other_than_it_is_given(
    monkeypatch: pytest.MonkeyPatch, given: list[str], day: dt.date | None
) -> None:
    asked: list[tuple[object, ...]] = []

    def release_it(*how: object) -> int:
        asked.append(how)
        return 7

    monkeypatch.setattr(release, "release", release_it)
    first = dt.datetime.now().astimezone().date()
    assert release.main(given) == 7
    ((root, taken, today),) = asked
    assert (root, taken) == (ROOT, day)
    assert today in (first, dt.datetime.now().astimezone().date())


def test_the_changelog_of_this_project_is_in_the_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    code, package = read_versions(ROOT)
    assert code == package
    problem = changelog.find_problem(text, code)
    # A version that was just raised has nothing yet.
    assert problem is None or problem.startswith("nothing under [Unreleased]")


def section_of_contributing() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.partition("\n## A release\n")[2].partition("\n## ")[0]


WRAPPER = """#!/bin/sh
if [ "$2" = deployments.deploy ]; then echo "$@" >> ../ran; exit 0; fi
exec {python} "$@"
"""


def test_the_commands_of_contributing_make_a_release(clone: Clone, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("deployments", "tasks"):
        shutil.rmtree(clone.root / name, ignore_errors=True)
        shutil.copytree(ROOT / name, clone.root / name, ignore=ignored)
    for name in ("Makefile", "pyproject.toml", "requirements-dev.lock"):
        shutil.copy(ROOT / name, clone.root)
    number, _ = read_versions(clone.root)
    clone.commit("All of it")
    tools = tmp_path / "tools"
    for program, text in {
        clone.root / ".venv/bin/python": WRAPPER.format(python=sys.executable),
        tools / "docker": '#!/bin/sh\necho docker "$@" >> ../ran\n',
    }.items():
        program.parent.mkdir(parents=True)
        program.write_text(text)
        program.chmod(0o755)
    (clone.root / ".venv/.installed").touch()

    blocks = re.findall(r"^```sh\n(.*?)^```", section_of_contributing(), re.M | re.S)
    subprocess.run(
        ["bash", "-euc", "\n".join(blocks)],
        cwd=clone.root,
        check=True,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "CONTAINER_TOOL": "docker"},
    )

    head, tag = clone.git("rev-parse", "HEAD"), f"v{number}"
    assert clone.git("log", "-1", "--format=%s") == f"Release {number}"
    there = clone.git("ls-remote", "origin").replace("\t", " ").splitlines()
    assert f"{head} refs/heads/main" in there
    assert f"{head} refs/tags/{tag}^{{}}" in there
    image = f"registry.example.com/b3-pipeline:{head[:12]}"
    ran = (tmp_path / "ran").read_text().splitlines()
    assert ran == [
        f"docker build --platform linux/arm64 --tag {image} .",
        f"docker push {image}",
        "-m deployments.deploy --env prod",
    ]


def test_what_contributing_shows_is_of_the_version_that_the_commands_release() -> None:
    number, _ = read_versions(ROOT)
    assert set(re.findall(r"\bv?(\d+\.\d+\.\d+)\b", section_of_contributing())) == {number}
