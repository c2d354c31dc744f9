"""`witness`: a witness for auditors, who cosigns only what extends what it has cosigned before."""

from __future__ import annotations

import argparse
import threading
from typing import Any

from console.commands.services import log_to_stderr, stopped_by_signals
from console.options import settings_of
from console.output import Report, Result, Usage
from events.errors import Refused


def witness(options: argparse.Namespace, report: Report) -> Result:
    """Answers until SIGINT or SIGTERM. What it has cosigned is kept in `<home>/witness.sqlite`."""
    from events.note import format_vkey, parse_vkey
    from infra.clock import now_ms
    from infra.keys import load_key
    from infra.witness.cosigning import Witness, known_logs
    from infra.witness.seen import Seen
    from infra.witness.server import WitnessServer

    settings = settings_of(options, report)
    try:
        logs = known_logs(map(parse_vkey, options.log or settings.log_vkeys))
    except Refused as error:
        raise Usage(f"--log: {error.message}", hint=error.hint) from error
    if not logs:
        raise Usage(
            "no log to witness", hint="--log VKEY, or PHASEGATE_LOG_VKEYS; the log's operator hands out the vkey"
        )
    key = load_key(options.key or settings.home / "keys" / "witness.pem")
    log_to_stderr(quiet=report.quiet)
    knows = Witness(key, logs, Seen(settings.home / "witness.sqlite"), lambda: now_ms() // 1000)
    host, port = options.listen
    with WitnessServer(knows, host, port, options.prefix) as server:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{server.server_port}{server.path.rpartition('/')[0]}"
        report.say(f"witnessing {', '.join(sorted(logs))}")
        report.say(f"at {url}#{format_vkey(key.witness)}")
        _serve(server)
    data: dict[str, Any] = {"url": url, "vkey": format_vkey(key.witness), "logs": sorted(logs)}
    return Result(data, lambda console: console.print(f"{url} answers no more"))


def _serve(server: Any) -> None:
    with stopped_by_signals() as stop:
        answering = threading.Thread(target=server.serve_forever, name="witness", daemon=True)
        answering.start()
        stop.wait()
        server.shutdown()
        answering.join()
