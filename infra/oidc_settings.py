"""The settings for signing in to the console at somebody else's provider of identities (OpenID Connect)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

_URL = r"^$|^https://[^\s?#]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/[^\s?#]*)?$"


class OidcSettings(BaseSettings):
    """A part of `infra.settings.Settings`; never loaded by itself."""

    oidc_issuer: str = Field(
        "",
        description="The provider at which people sign in to the console; empty: local accounts alone.",
        pattern=_URL,
    )
    oidc_name: str = Field("OpenID Connect", description="What the sign-in page calls the provider.", max_length=60)
    oidc_client: str = Field("phasegate", description="As which client the provider knows this console.", min_length=1)
    oidc_secret_file: Path | None = Field(
        None, description="The file that holds the client's secret in one line; without it PKCE alone."
    )
    oidc_scopes: str = Field("openid profile email", description="What is asked of the provider.", pattern=r"^openid\b")
    oidc_claim: str = Field(
        "sub", description="The claim that names an account; the provider must never give its value to somebody else."
    )
    oidc_roles: Path | None = Field(None, description="YAML file that says which claims give which roles.")
    console_url: str = Field(
        "", description="The console's address as browsers see it, to which a provider sends them back.", pattern=_URL
    )
