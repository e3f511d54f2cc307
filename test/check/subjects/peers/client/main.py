"""The agency of test/check/subjects/python with the conversation of a dialect of test/peers."""

import logging
import sys
from types import SimpleNamespace

import common
import dialect
import solution

MESSAGE_BYTES_MAX = 8192


def run(config, agency):
    options = SimpleNamespace(
        role="client",
        agency=agency,
        batch=min(solution.BETS_MAX, int(solution.setting(config, "batch.maxAmount"))),
        chunk=None,
        pause=0,
        timeout=None,
        wait=1,
        amount=None,
        old=False,
        overtake=False,
        stray=False,
    )
    report = common.Report(agency)
    common.dial = lambda _: dial(config, options)
    dialect.client(options, common.read_bets("agency.csv"), report)
    if report.errors:
        raise ConnectionError(f"{report.errors} batches were refused")
    logging.info(
        f"action: consulta_ganadores | result: success | cant_ganadores: {len(report.winners)}"
    )
    logging.info(f"action: close_connection | result: success | client_id: {agency}")


def dial(config, options):
    return common.Connection(solution.connect(solution.setting(config, "server.address")), options)


if hasattr(dialect, "FRAME_BYTES_MAX"):
    dialect.FRAME_BYTES_MAX = MESSAGE_BYTES_MAX  # The original's frames are larger than a packet may be.
solution.run = run
sys.exit(solution.main())
