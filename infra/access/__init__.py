"""Who may use the console, and who has used it: apart from the logs of programmes, and no evidence of anything in them."""

from infra.access.access_log import Access, AccessLog, Place
from infra.access.accounts import Account
from infra.access.rows import ANY, ROLES, Given, Origin, Role, Session
from infra.access.sessions import Sessions
from infra.access.store import AccessStore

__all__ = [
    "ANY",
    "ROLES",
    "Access",
    "AccessLog",
    "AccessStore",
    "Account",
    "Given",
    "Origin",
    "Place",
    "Role",
    "Session",
    "Sessions",
]
