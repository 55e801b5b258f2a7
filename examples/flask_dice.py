"""Dice over HTTP. A roll that is linked is a trace of its own; each of the two traces leads to the other."""

import os
import random

from flask import Flask
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link

import tollspan

tollspan.init("dice", service_version="1.0.0", environment="example")
app = Flask(__name__)


def roll() -> int:
    result = random.randint(1, 6)
    span = trace.get_current_span()
    span.set_attribute("dice.result", result)
    span.add_event("the die came to rest")
    return result


@app.get("/rolldice")
def roll_dice() -> str:
    with tollspan.span("roll"):
        return str(roll())


@app.get("/roll_with_link")
def roll_with_link() -> str:
    request = trace.get_current_span()
    # In an empty context a span has no parent, so it begins a new trace.
    with tollspan.span("roll", links=[Link(request.get_span_context())], context=Context()) as rolled:
        result = roll()
    request.add_link(rolled.get_span_context())
    return str(result)


if __name__ == "__main__":
    # The reloader would run the program twice.
    app.run(port=int(os.environ.get("PORT", "8080")), use_reloader=False)
