"""Who asks: the API key of a request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from console.web.problems import Problem
from console.web.site import site_of
from infra.api_key import ApiKey, is_secret, split

BEARER = HTTPBearer(
    auto_error=False, scheme_name="apiKey", description="An API key that `phasegate api-keys new` made."
)
CHALLENGE = {"www-authenticate": 'Bearer realm="phasegate"'}

Presented = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


def known_key(request: Request, presented: Presented) -> ApiKey | None:
    """The key that the request presents, None where it presents none. Raises Problem for one that is not good."""
    if presented is None:
        return None
    site = site_of(request)
    key_id = split(presented.credentials)
    key = None if key_id is None else site.store.key(key_id)
    if key is None or not is_secret(presented.credentials, key.secret_sha256) or not key.is_good(site.now()):
        raise Problem("key-invalid", "the API key is unknown, revoked or expired", CHALLENGE)
    request.state.api_key = key.id
    return key


Known = Annotated[ApiKey | None, Depends(known_key)]


def sending_key(key: Known) -> ApiKey:
    """The key of a request that needs one."""
    if key is None:
        raise Problem("key-missing", "send the key as Authorization: Bearer phg_…", CHALLENGE)
    return key


Sending = Annotated[ApiKey, Depends(sending_key)]
