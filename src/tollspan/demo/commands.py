"""`tollspan demo`: the whole of Tollspan at work on one machine."""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tollspan.demo import readback
from tollspan.demo.stage import Stage, StageError, open_stage
from tollspan.demo.traffic import Visit, visit

ONCE_VISITS = 80
RATE_MAX = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `tollspan demo`."""
    parser.add_argument("--once", action="store_true", help="drive traffic, read it back, check it, end")
    parser.add_argument(
        "--http", default=None, metavar="HOST:PORT", help="the gateway's (default 127.0.0.1:8320)"
    )
    parser.add_argument(
        "--data-dir", type=Path, default=None, metavar="DIR", help="keep the gateway's data here"
    )
    parser.add_argument(
        "--rate", type=_rate, default=5.0, metavar="NUMBER", help="requests a second (default 5)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Play the demo until Ctrl-C, or once; 0 when nothing is missing."""
    for os_signal in _ENDING:
        signal.signal(os_signal, _interrupt_once)
    http = arguments.http or ("127.0.0.1:0" if arguments.once else "127.0.0.1:8320")
    with tempfile.TemporaryDirectory(prefix="tollspan-demo-") as folder:
        data_dir = arguments.data_dir or Path(folder) / "data"
        try:
            with open_stage(Path(folder), data_dir, http, "127.0.0.1:0") as stage:
                return _once(stage) if arguments.once else _until_interrupted(stage, arguments.rate)
        except (StageError, httpx.HTTPError) as error:
            print(f"tollspan demo: {error}", file=sys.stderr)
            print((Path(folder) / "demo.log").read_text()[-4000:], file=sys.stderr)
            return 1


_ENDING = (signal.SIGINT, signal.SIGTERM)


def _interrupt_once(_number: int, _frame: object) -> None:
    """Interrupt; from then on nothing does, so that no child is left behind."""
    for os_signal in _ENDING:
        signal.signal(os_signal, signal.SIG_IGN)
    raise KeyboardInterrupt


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= RATE_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0 and up to {RATE_MAX}")
    return rate


def _until_interrupted(stage: Stage, rate: float) -> int:
    dice = random.Random()  # noqa: S311 - a demo's dice
    with contextlib.suppress(KeyboardInterrupt), httpx.Client(base_url=stage.shop_url, timeout=30) as shop:
        print(_WELCOME.format(stage=stage), flush=True)
        while True:
            stage.check()
            visit(shop, dice)
            time.sleep(dice.expovariate(rate))
    print("\nStopping.", flush=True)
    return 0


def _once(stage: Stage) -> int:
    dice = random.Random(8320)  # noqa: S311 - the same visits every time
    with httpx.Client(base_url=stage.shop_url, timeout=30) as shop:
        visits: list[Visit] = [visit(shop, dice) for _ in range(ONCE_VISITS)]
    reader = readback.Reader(stage)
    try:
        reader.await_shipments(visits)
        accounts = stage.close_services()
        faults, stored = readback.find_faults(reader, visits, accounts)
    finally:
        reader.close()
    customers, failed = {v.customer for v in visits}, sum(v.status >= 500 for v in visits)
    print(f"requests   {len(visits)} to the shop by {len(customers)} customers, {failed} failed")
    for service, account in accounts.items():
        sent = account["sent"]
        print(
            f"{service:10} sent {sent['traces']} spans ({stored[service]} read back in these traces), "
            f"{sent['metrics']} data points, {sent['logs']} log records"
        )
    for fault in faults:
        print(f"MISSING    {fault}")
    print("everything arrived" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


_WELCOME = """\
Tollspan demo: a gateway, and a web shop of three services that sends to it over OAuth2.

  Dashboard   {stage.ui_url}
  Shop        {stage.shop_url}/docs

What to look at:
  1. The trace list: new traces arrive by themselves; tick "errors only" to see what failed.
  2. A POST /orders trace: the shop, the payment service and the warehouse in one waterfall,
     with the SQL in between. Slow ones wait for the "acquirer".
  3. GET /sales: one query per product, the staircase you get without a join.
  4. Filter by unit, for example acme-toys: every span knows the customer it worked for.

Ctrl-C stops everything.
"""
