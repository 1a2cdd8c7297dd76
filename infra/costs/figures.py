"""The figures that costs are reckoned from: what AWS asks, what a run takes, what a session weighs.

They are measured (`python -m bench.load`, `python -m bench.year`, the local cloud's list of calls),
or stated by AWS, where each has its source.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DAYS_OF_MONTH = 365 / 12
SESSIONS_OF_YEAR = 250
INDICES = 40
MONTHS_OF_YEAR = 12


@dataclass(frozen=True)
class Price:
    """What AWS asks in us-east-1, without free tiers.

    Attributes:
        dollars: US dollars.
        unit: For what.
        source: Where AWS states it.
    """

    dollars: float
    unit: str
    source: str


_FARGATE = "https://aws.amazon.com/fargate/pricing/"
_VPC = "https://aws.amazon.com/vpc/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
PRICES_OF = "November 2026"
PRICES = {
    "vcpu": Price(0.03238, "a vCPU-hour on arm64", _FARGATE),
    "memory": Price(0.00356, "a GB-hour on arm64", _FARGATE),
    "address": Price(0.005, "a public IPv4 address and hour", _VPC),
    "nat": Price(0.045, "a NAT gateway and hour", _VPC),
    "dpu": Price(0.44, "a DPU-hour, one minute at least", "https://aws.amazon.com/glue/pricing/"),
    "put": Price(0.005 / 1000, "a PUT or a listing", _S3),
    "get": Price(0.0004 / 1000, "a GET", _S3),
    "stored": Price(0.023, "a GB-month", _S3),
    "secret": Price(0.40, "a secret and month", "https://aws.amazon.com/secrets-manager/pricing/"),
    "image": Price(0.10, "a GB-month of images", "https://aws.amazon.com/ecr/pricing/"),
    "log": Price(0.50, "a GB of logs taken in", _CLOUDWATCH),
    "alarm": Price(0.10, "an alarm and month", _CLOUDWATCH),
}


@dataclass(frozen=True)
class Work:
    """What a run of a deployment takes, on a weekday with a new session of 40 indices.

    Attributes:
        minutes: Of its task, from the pull of the image on, without a wait for Glue.
        puts: PUTs and listings of the one run a day that finds something new.
        gets: GETs of that run, at the end of a month.
        glue: Runs of Glue that all runs of the day start together.
        looks: PUTs, listings and GETs of a run that finds nothing new.
        reported: Sessions whose reports each run looks at, beside all that.
        pages: Pages of reports that all runs of the day write, since they would say something else.
    """

    minutes: float
    puts: int
    gets: int
    glue: int = 0
    looks: int = 0
    reported: int = 0
    pages: int = 0


WORK: Mapping[str, Work] = {
    "daily-portfolio": Work(
        minutes=2.5, puts=500, gets=950, glue=1, looks=180, reported=1, pages=INDICES + 1
    ),
    # With quotes, and once more with the levels, which come between two runs.
    "daily-quotes": Work(
        minutes=1, puts=30, gets=40, glue=1, looks=7, reported=1, pages=2 * INDICES
    ),
    "index-levels": Work(minutes=1.5, puts=85, gets=80, looks=120),
    "reconcile": Work(minutes=2, puts=150, gets=1300, glue=1, reported=10, pages=INDICES),
    "freshness": Work(minutes=1.5, puts=70, gets=120, looks=190),
    "verify": Work(minutes=2, puts=200, gets=1000),
    "vacuum": Work(minutes=1.5, puts=60, gets=60),
}
GLUE_DPUS = 2
GLUE_MINUTES = (1.0, 2.0)
TASK_VCPUS, TASK_GB = 1, 2
WORKER_VCPUS, WORKER_GB = 0.25, 1
IMAGE_GB = 0.3
LOG_MB_OF_DAY = 3
ALARMS = 2
# Of the reports of a session: what it takes to see that they say what they should; and of a page
# that does not, how long it takes to make it at most, and how large it is on average: 97 KB for 84
# constituents, 170 KB for 222 (ADR 16).
REPORT_LISTINGS, REPORT_GETS = 20, 140
REPORT_SECONDS, REPORT_KB = 1.5, 90
REPORT_MB = INDICES * REPORT_KB / 1024

STORED_MB_OF_SESSION = {"landing": 0.8, "raw": 1.3, "runs and published": 0.4, "reports": REPORT_MB}
REFINED_MB_OF_MONTH = 16.0
# Each session makes its month again; what was read before stays for the vacuum's grace, then as an
# old version: 7 days, up to 7 until the next vacuum, 30.
REFINED_DAYS_KEPT = 44
OLD_PAGE_DAYS = 30
YEARS = (1, 40)
