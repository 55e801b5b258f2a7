"""OTLP/gRPC, the server's side (OTLP 1.11, "OTLP/gRPC")."""

from __future__ import annotations

import asyncio
from functools import partial

from tollspan.collector.events import UNKNOWN_SENDER
from tollspan.collector.grpc_call import Call, Reply, build_refusal
from tollspan.collector.grpc_server import GRPCServer
from tollspan.collector.receivers.otlp.body_budget import BodyBudget
from tollspan.collector.receivers.otlp.config import GRPCConfig
from tollspan.collector.receivers.otlp.intake import Intake, Payload
from tollspan.otlp import _reshape
from tollspan.otlp.grpc_exchange import SERVICES
from tollspan.otlp.http_exchange import Encoding, success
from tollspan.otlp.signals import Signal

READ_TIMEOUT_S = 60.0
"""A message must be complete after this long."""


def add_services(server: GRPCServer, config: GRPCConfig, intake: Intake) -> None:
    """The server has a service for every signal, also for one without a pipeline: it has its own answer."""
    budget = BodyBudget()
    for signal, name in SERVICES.items():
        methods = {"Export": partial(export, intake, budget, signal)}
        server.add_service(name, methods, message_bytes_max=config.message_bytes_max)


async def export(intake: Intake, budget: BodyBudget, signal: Signal, call: Call) -> Reply:
    """The reply to an Export call; its rules and errors are those of OTLP/HTTP, in gRPC's words.

    The message is taken only from a caller who may write.
    """
    items, sender = 0, UNKNOWN_SENDER
    try:
        intake.require_pipeline(signal)
        sender = await intake.identify(signal, call.head.metadata)
        with budget.holding(sender[0]) as take:
            wire = await call.read_message(READ_TIMEOUT_S, take)
        payload = Payload(wire, _reshape.count(signal.value, wire))
        items = payload.items
        receipt = await intake.deliver(signal, payload, sender)
        return Reply(success(signal, Encoding.PROTOBUF, receipt.rejected, receipt.reason).body)
    except asyncio.CancelledError:
        intake.refuse_cut_short(signal, items, sender)
        raise
    except Exception as error:
        return build_refusal(intake.refuse(signal, error, items, sender))
