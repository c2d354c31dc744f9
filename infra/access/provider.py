"""OpenID Connect as a relying party: discovery, the authorization code flow with PKCE, and what an ID token must say."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from events.errors import Refused, Unavailable
from infra.access.sign_ins import Begun
from infra.settings import Settings

ANSWER_WITHIN_S = 10.0
KNOWN_FOR_S = 3600.0
LEEWAY_S = 60
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
"""Never `none`, and none with a shared secret."""

CALLBACK = "/sign-in/oidc/callback"


class Provider:
    """The provider that the settings name. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: tuple[float, Mapping[str, Any]] | None = None

    @property
    def name(self) -> str:
        """What the sign-in page calls it; empty where there is none."""
        return self._settings.oidc_name if self._settings.oidc_issuer else ""

    def address(self, begun: Begun) -> str:
        """Where the browser goes to sign in."""
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._document()["authorization_endpoint"],
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url)

    def claims(self, begun: Begun, code: str, now_ms: int) -> Mapping[str, Any]:
        """What the provider says of who signed in. Raises Refused where that is not for us, not of now or not its own word,
        and Unavailable where it does not answer.
        """
        document = self._document()
        try:
            with self._client() as client:
                token = client.fetch_token(document["token_endpoint"], code=code, code_verifier=begun.verifier)
        except OAuthError as error:
            raise Refused(f"the provider gave no token: {str(error)[:200]}") from None
        except httpx.HTTPError as error:
            raise _silent(error) from error
        keys = self._fetched(document["jwks_uri"])
        try:
            return self._checked(str(token.get("id_token", "")), KeySet.import_key_set(keys), begun.nonce, now_ms)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Refused(f"the provider's word on who signed in is not accepted: {str(error)[:200]}") from None

    def _checked(self, text: str, keys: KeySet, nonce: str, now_ms: int) -> Mapping[str, Any]:
        claims = jwt.decode(text, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            now=now_ms // 1000,
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._settings.oidc_issuer},
            aud={"essential": True, "value": self._settings.oidc_client},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
        if claims.get("azp", self._settings.oidc_client) != self._settings.oidc_client:
            raise ValueError("azp: it was made for another client")
        return claims

    def _client(self) -> Any:
        settings = self._settings
        return OAuth2Client(
            settings.oidc_client,
            _secret(settings.oidc_secret_file),
            scope=settings.oidc_scopes,
            redirect_uri=settings.console_url.rstrip("/") + CALLBACK,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if settings.oidc_secret_file is None else "client_secret_basic",
            timeout=ANSWER_WITHIN_S,
        )

    def _document(self) -> Mapping[str, Any]:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > KNOWN_FOR_S:
                issuer = self._settings.oidc_issuer
                found = self._fetched(issuer.rstrip("/") + "/.well-known/openid-configuration")
                if found.get("issuer") != issuer:
                    raise Unavailable(f"the provider calls itself {str(found.get('issuer'))[:100]!r}, not {issuer!r}")
                self._known = (time.monotonic(), found)
            return self._known[1]

    def _fetched(self, url: str) -> Mapping[str, Any]:
        try:
            answer = httpx.get(url, timeout=ANSWER_WITHIN_S).raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _silent(error) from error
        if not isinstance(found, dict):
            raise Unavailable("the provider of identities answers with something else")
        return found


def _silent(error: Exception) -> Unavailable:
    return Unavailable(f"the provider of identities does not answer as it should: {str(error)[:200]}")


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", hint="PHASEGATE_OIDC_SECRET_FILE") from error
