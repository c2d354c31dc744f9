"""Every page of the console, once: a page that is added is a line here, and is then looked at in every way."""

from __future__ import annotations

from typing import NamedTuple

from playwright.sync_api import Page

from infra.access import Role
from tests.support.browsing import Window
from tests.support.k_ai import PROGRAMME


class Shown(NamedTuple):
    """A page of the K-AI example, to somebody with this role there. `picture`: the name of the picture of it in docs/pictures,
    `console-<picture>.png`.
    """

    path: str
    status: int = 200
    picture: str = ""
    role: Role | None = None


K_AI = f"/programmes/{PROGRAMME}"
PHASE = f"{K_AI}/decisions/phase-1"

PAGES = (
    Shown("/", picture="overview"),
    Shown(K_AI, picture="board"),
    Shown(f"{K_AI}?at=794"),
    Shown(f"{K_AI}/decisions", picture="decisions"),
    Shown(PHASE, picture="decision"),
    Shown(f"{PHASE}/naver-cloud", picture="entrant"),
    Shown(f"{PHASE}/naver-cloud/fragility"),
    Shown(f"{PHASE}/naver-cloud/letter", picture="letter"),
    Shown(f"{K_AI}/entrants/upstage"),
    Shown(f"/results/{PROGRAMME}", picture="results"),
    Shown(f"/results/{PROGRAMME}/phase-1"),
    Shown(f"{K_AI}/log", picture="log"),
    Shown(f"{K_AI}/log?verdict=refused&text=expert"),
    Shown(f"{K_AI}/log?text=nowhere"),
    Shown(f"{K_AI}/log/796", picture="entry"),
    Shown(f"{K_AI}/checkpoints", picture="checkpoints"),
    Shown(f"{K_AI}/lab", picture="lab"),
    Shown(f"{K_AI}/lab/replay"),
    Shown(f"{K_AI}/lab/robustness/phase-1"),
    Shown(f"{K_AI}/lab/what-if"),
    Shown(f"{K_AI}/sent/decisions/6/121"),
    Shown(f"{K_AI}/changes?since=794&at=900"),
    Shown(f"{K_AI}/acts", picture="acts", role="operator"),
    Shown(f"{K_AI}/acts/extend", picture="act", role="operator"),
    Shown(f"{K_AI}/acts/open-call", role="operator"),
    Shown(f"{K_AI}/acts/requeue", role="operator"),
    Shown("/desk", role="evaluator"),
    Shown("/desk/k-ai-2026/phase-1", picture="desk", role="evaluator"),
    Shown("/desk/k-ai-2026/phase-1/upstage", role="evaluator"),
    Shown("/operations", picture="operations", role="operator"),
    Shown(f"{K_AI}/operations", role="operator"),
    Shown("/sign-in", picture="sign-in"),
    Shown("/account", role="operator"),
    Shown("/nowhere", status=404),
)

EVALUATOR = "expert-01"


def show(seen: Window, shown: Shown, database: str) -> Page:
    """The page, opened by an account that has its role and is one of the panel where that is what it takes."""
    if shown.role is not None:
        who = {"evaluator": EVALUATOR} if shown.role == "evaluator" else {}
        seen.sign_in(database, f"an-{shown.role}", shown.role, programme=PROGRAMME, **who)
    return seen.open(shown.path, shown.status)
