"""The letter of decision over HTTP: as a page that prints, and with its proofs in a ZIP."""

from __future__ import annotations

import io
import re
import zipfile
from base64 import b64encode
from hashlib import sha256

from fastapi import Response
from fastapi.responses import HTMLResponse

from console.telling.letter import write
from console.telling.letter_facts import programme_title, proofs_of, published
from console.telling.letter_parts import Context, Proofs
from console.telling.printing import printed
from console.telling.sentences import Words
from console.web.explained import Explained, phase_of, state_of
from console.web.site import Site
from console.web.speech import Lang
from events.errors import NotFound

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_FIRST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a ZIP: what is asked for twice is the same."""


def _letter(site: Site, programme: str, size: int, found: Explained, lang: Lang) -> tuple[str, Proofs | None]:
    """The letter as HTML, and what lies beside it. Who asks has the turn of the programme."""
    state = state_of(site.reading, programme, size)
    phase = phase_of(state, found.told.phase)
    words = Words(lang, found.names)
    profiles, figures = published(phase, found.told)
    proofs = _proofs(site, found)
    context = Context(
        words, state, programme_title(state, words), profiles, figures, lambda value, *_: value, (), proofs
    )
    return printed(write(context, found.told, phase), "html"), proofs


def _proofs(site: Site, found: Explained) -> Proofs | None:
    """None where nothing proves it yet: no checkpoint covers it, or no key of the log is known."""
    told = found.told
    try:
        return proofs_of(site.reading, told, f"{told.entrant}-{told.phase}", site.receipts.cosigned())
    except NotFound:
        return None


def letter_page(site: Site, programme: str, size: int, found: Explained, lang: Lang) -> Response:
    """It brings its style with it, which the policy lets in by its digest and nothing else."""
    text, _ = _letter(site, programme, size, found, lang)
    styles = " ".join(f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in _STYLE.findall(text))
    policy = f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return HTMLResponse(text, headers={"content-security-policy": policy})


def letter_file(site: Site, programme: str, size: int, found: Explained, lang: Lang) -> Response:
    """The letter and the files that prove it, under the names that it says."""
    text, proofs = _letter(site, programme, size, found, lang)
    stem = f"{found.told.entrant}-{found.told.phase}"
    files = {f"{stem}.{lang}.html": text.encode(), **({} if proofs is None else proofs.files)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _FIRST), data, zipfile.ZIP_DEFLATED)
    disposition = f'attachment; filename="{stem}.{lang}.zip"'
    return Response(content.getvalue(), headers={"content-disposition": disposition}, media_type="application/zip")
