"""From the options of a command line to settings."""

from __future__ import annotations

import argparse

from console.output import Report, Usage
from infra.settings import SettingInvalid, Settings, unknown_variables


def settings_of(options: argparse.Namespace, report: Report) -> Settings:
    """The settings of a command, its options first. A value that cannot be used is raised as Usage."""
    for name in unknown_variables():
        report.warn(f"{name} is no setting of phasegate; phasegate config lists them")
    try:
        return Settings.load(home=options.home, database=options.database)
    except SettingInvalid as error:
        raise Usage(error.message, hint=error.hint) from error
