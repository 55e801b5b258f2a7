"""The questions that projections of `spans` answer, asked with them and without."""

from tollspan.gateway.storage.statements import fill, statement

SLOTS = {"from": 0, "until": 2**32 - 1}
QUESTIONS = {
    "red": ("find_red", {"service": "", "step": 300, **SLOTS}),
    "service_edges": ("find_service_edges", SLOTS),
    "attribute_keys": ("find_attribute_keys", SLOTS),
    "trace_slots": ("find_trace_slots", {}),
}


def put_question(engine, projection, tenant, trace_ids, setting):
    """The rows that answer the question of a projection, under a setting, in an order of their own."""
    name, parameters = QUESTIONS[projection]
    asked = {"tenant": tenant, "datasets": [], "trace_ids": trace_ids, "limit": 10_000, **parameters}
    sql = fill(name, asked)
    return sorted(engine.rows(f"{sql}{',' if 'SETTINGS' in sql else 'SETTINGS'} {setting}", asked), key=repr)


def agreed(engine, trace_ids, tenant="acme"):
    """What is answered by projections as far as there are any, and by all spans just so."""
    answers = {}
    for projection in QUESTIONS:
        found = [
            put_question(engine, projection, tenant, trace_ids, f"optimize_use_projections = {use}")
            for use in (1, 0)
        ]
        assert found[0] == found[1], projection
        answers[projection] = found[0]
    return answers


def complete(engine):
    """All parts have all projections."""
    engine.execute(statement("materialize_projections") + "SETTINGS mutations_sync = 1")
    assert incomplete_parts(engine) == 0


def incomplete_parts(engine):
    """How many parts lack a projection."""
    [found] = engine.rows(statement("find_incomplete_parts"), {"before": 2**32 - 1})
    return found["parts"]
