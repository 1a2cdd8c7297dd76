"""`python -m deployments.release [--date DAY]`: what a release takes, and the half of it made here.

Without a day it changes nothing: it looks whether a release can be made, and says what it would
say and how it is made. With a day it gives the changelog's section its heading, commits that, and
tags the commit. Nothing is pushed. What is done already is left out, so after a failure or a kill
the same command goes on from there.
"""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from deployments import changelog
from deployments.command import run_command
from deployments.release_checks import Standing, judge, look
from deployments.repository import Repository
from deployments.verdict import as_table

_PROJECT = Path(__file__).parents[1]
_ASIDE = Path("build", changelog.FILE)  # git looks past the folder
_ANY_DAY = "YYYY-MM-DD"


def describe_steps(at: Standing, remote: str) -> list[str]:
    """Return what is left to do, in order, with the commands.

    Args:
        at: How far the release is.
        remote: Where its branch is pushed to.
    """
    branch = f"{at.branch} " if at.branch else ""
    steps = [] if at.is_made else [*_steps_here(at)]
    steps.append(f"Push commit and tag.\n     git push --atomic {remote} {branch}{at.tag}")
    steps.append(_image(at))
    steps.append(
        "Deploy it, here to the environment prod; where the registry lacks the image, this builds\n"
        "   and pushes it as well.\n     make deploy ENV=prod"
    )
    return [f"{number}. {step}" for number, step in enumerate(steps, start=1)]


def _steps_here(at: Standing) -> Iterator[str]:
    day = at.day or _ANY_DAY
    if not at.day:
        yield (
            f"In {changelog.FILE}, [{changelog.UNRELEASED}] becomes [{at.version}] - {day}, below "
            f"an empty [{changelog.UNRELEASED}]."
        )
    commit = f"\n     git commit -m 'Release {at.version}' -- {changelog.FILE}"
    what, first = ("Commit and tag", commit) if at.is_stopped or not at.day else ("Tag", "")
    yield (
        f"{what}; the notes are the tag's message.{first}\n     git tag -a {at.tag} "
        f"--cleanup=whitespace -F -\n   So far all is done by this, which pushes nothing:\n"
        f"     make release DATE={day}"
    )


def _image(at: Standing) -> str:
    repository = os.environ.get("DEPLOY_REPOSITORY_URL")
    name = (
        f"{repository or '<repository_url>'}:{at.commit if at.is_made else '<twelve characters>'}"
    )
    where = "" if repository else "     export DEPLOY_REPOSITORY_URL=<Terraform's repository_url>\n"
    if os.environ.get("DEPLOY_IMAGE"):  # which would be built in its place
        where += "     unset DEPLOY_IMAGE\n"
    return (
        f"Build and push the image of the commit, {name}.\n{where}     make image\n     make push"
    )


def make(root: Path, git: Repository, at: Standing, day: str) -> Standing:
    """Do what is left of the release here, and return how far it is then.

    Args:
        root: The folder of the clone.
        git: The clone.
        at: How far it was; everything holds.
        day: The day of the release.
    """
    if not at.day:
        aside, file = root / _ASIDE, root / changelog.FILE
        aside.parent.mkdir(exist_ok=True)
        aside.write_text(changelog.with_release(at.page, at.version, day), "utf-8")
        aside.replace(file)  # whole or not at all
        print(f"\n{changelog.FILE}: [{changelog.UNRELEASED}] is [{at.version}] - {day} now.")
    if git.changed():
        git.commit_file(changelog.FILE, f"Release {at.version}")
        print(f"\nCommitted: {git.commit()} of {at.branch}.")
    if not at.tagged:
        page = (root / changelog.FILE).read_text("utf-8")
        git.tag(at.tag, f"b3-pipeline {at.version}\n\n{changelog.notes(page, at.version)}\n")
        print(f"\nTagged: {at.tag}.")
    return look(root, git)


def release(root: Path, given: dt.date | None, today: dt.date) -> int:
    """Look, and with a day do what is done here; return 1 where something does not hold."""
    git, day = Repository(root), given.isoformat() if given else ""
    at = look(root, git)
    verdicts = judge(root, git, at, day, today)
    print(as_table(verdicts))
    if not all(each.holds for each in verdicts):
        print("\nNothing was changed: mend this, and run it again.", file=sys.stderr)
        return 1
    if given:
        at = make(root, git, at, day)
    if at.is_made:
        print(f"\n{at.version} is made here: {at.tag} is {at.commit}. What is left, in this order:")
    else:
        notes = changelog.notes(at.page, at.version)
        print(f"\nThe notes of {at.version}, as its tag will have them:\n\n{notes}\n")
        print("Nothing was changed. What a release takes, in this order:")
    for step in describe_steps(at, git.remote(at.branch)):
        print(f"\n{step}")
    return 0


def _day(text: str) -> dt.date:
    try:
        return changelog.parse_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 1 when something does not hold or fails, 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.release",
        description="Look whether a release of what is checked out can be made, and say how. With "
        "a day, make the half of it that is made here: changelog, commit and tag. Safe to repeat.",
    )
    parser.add_argument(
        "--date",
        type=_day,
        metavar=_ANY_DAY,
        help="the day of the release, of today or before; without it nothing is changed",
    )
    given = parser.parse_args(argv).date
    today = dt.datetime.now().astimezone().date()
    return run_command("this clone", lambda: release(_PROJECT, given, today))


if __name__ == "__main__":
    sys.exit(main())
