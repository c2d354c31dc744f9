"""A manifest is CycloneDX 1.6 JSON by the official schema, or its submission is refused with the place and the fault."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from handlers.manifest import FOLDER, SCHEMAS, manifest_fault
from tests.handlers.worked import K_AI
from tests.spec import given
from tests.support import small
from tests.support.bom import APACHE, ancestor, bom, descent, model
from tests.support.stages import at
from tests.support.told import handed_in

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "handlers" / FOLDER
IN_TIME = small.OPENS + small.DAY


@pytest.mark.parametrize("path", sorted((K_AI / "manifests").glob("*.json")), ids=lambda path: path.stem)
def test_the_manifests_of_the_example_are_valid(path: Path) -> None:
    assert manifest_fault(json.loads(path.read_text(encoding="utf-8"))) is None


def test_everything_that_the_screen_reads_may_stand_in_a_valid_manifest() -> None:
    parent = ancestor(APACHE, pedigree=descent(ancestor({"license": {"name": "ours"}})))
    whole = model(components=[model("pretrained", "frozen", pedigree=descent(parent))])
    assert manifest_fault(bom(whole, metadata={"component": model()}, version=1)) is None
    assert manifest_fault(bom(model(pedigree=descent(ancestor({"expression": "MIT OR Apache-2.0"}))))) is None


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({}, "the manifest: bomFormat, specVersion is missing; add it"),
        (bom(specVersion="1.5"), "specVersion: \"1.5\" is not '1.6'; write the manifest as CycloneDX 1.6"),
        (bom(bomFormat="SPDX"), 'bomFormat: "SPDX" is not one of CycloneDX'),
        (bom(models=[]), "the manifest: CycloneDX 1.6 has no models there; remove it"),
        (bom(components={}), "components: {} is no array"),
        (bom(model(name=None)), "components.0: name is missing; add it"),
        (bom(model(), model(type="weights")), 'components.1.type: "weights" is not one of application, framework, '),
        (bom(model(components=[model(name=3)])), "components.0.components.0.name: 3 is no string"),
        (
            bom(model(hashes=[{"alg": "SHA-256", "content": "xyz"}])),
            'components.0.hashes.0.content: "xyz" breaks pattern ',
        ),
        (
            bom(model(pedigree=descent(ancestor({"license": {"id": "Qwen"}})))),
            'components.0.pedigree.ancestors.0.licenses.0.license.id: "Qwen" is not one of 0BSD, ',
        ),
        (
            bom(model(externalReferences=[{"url": "urn:a"}])),
            "components.0.externalReferences.0: type is missing; add it",
        ),
        (bom(model(), model()), "components: an item stands twice"),
        (bom(serialNumber="1"), 'serialNumber: "1" breaks pattern "^urn:uuid:'),
    ],
)
def test_a_fault_is_told_with_its_place_and_the_value(manifest: dict[str, Any], told: str) -> None:
    fault = manifest_fault(manifest)
    assert fault is not None
    assert fault.startswith(told)
    assert len(fault) < 500


def test_a_submission_with_an_unfit_manifest_is_refused_and_a_corrected_one_is_the_first() -> None:
    unfit = handed_in("s", "ash", IN_TIME, manifest=bom(model(type="weights")))
    fit = handed_in("t", "ash", IN_TIME, manifest=bom(model()))
    match = r'^manifest: components\.0\.type: "weights" is not one of application'
    given(on=at("open")).when(unfit).refused("schema-invalid", match=match).when(fit).accepted()


@pytest.mark.parametrize("manifest", [None, "0" * 64])
def test_no_manifest_and_one_by_its_digest_have_nothing_to_be_read(manifest: str | None) -> None:
    given(on=at("open")).when(handed_in("s", "ash", IN_TIME, manifest=manifest)).accepted()


def test_a_submission_that_is_late_is_refused_for_that_and_its_manifest_is_not_read() -> None:
    late = handed_in("s", "ash", small.DEADLINES["submissions"] + 1, manifest={})
    log = at("open")
    log.tell(late)
    log.progress(small.DEADLINES["submissions"] + 2)
    assert {reason for verdict, reason in log.outcomes().values() if verdict == "refused"} == {"late"}


def test_the_deepest_manifest_that_can_be_received_is_read() -> None:
    nested = model()
    for _ in range(30):
        nested = model(components=[nested])
    assert manifest_fault(bom(nested)) is None


def test_a_long_list_is_not_compared_each_with_each() -> None:
    """A thousand twice as many components take about twice as long, not four times."""
    few, many = (bom(*(model(name=f"m{n}") for n in range(count))) for count in (250, 2000))
    manifest_fault(few)
    taken = []
    for manifest in (few, many):
        begun = time.perf_counter()
        assert manifest_fault(manifest) is None
        taken.append(time.perf_counter() - begun)
    assert taken[1] < 32 * taken[0]


def test_the_schema_is_the_one_that_was_published() -> None:
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"`([^`]+\.json)`[^\n]*`([0-9a-f]{64})`", readme))
    assert listed == {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in SCHEMAS}


def test_the_validator_is_loaded_with_the_first_manifest_and_not_before() -> None:
    script = "import sys, handlers.judge; print('jsonschema' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
