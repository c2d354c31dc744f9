"""Who may use the console, and who has used it: apart from the logs of programmes, and no evidence of anything in them."""

from infra.access.accounts import Account
from infra.access.rows import ANY, ROLES, Given, Origin, Role, Session
from infra.access.sessions import Sessions
from infra.access.store import AccessStore

__all__ = ["ANY", "ROLES", "AccessStore", "Account", "Given", "Origin", "Role", "Session", "Sessions"]
