"""What must hold for every exchange, and at the end of every run."""

from collections import defaultdict
from typing import Final
from zlib import crc32

from seawall.core.record import CallRecord
from tests.laws.client import Visit
from tests.laws.grammar import Heard
from tests.laws.provider import Dispatch
from tests.laws.scenario import MESSAGE
from tests.laws.world import World

LATE_S: Final = 0.05
HUNG_UP_S: Final = 0.1
DRAIN_S: Final = 1.0
HAND_OUT_S: Final = 5.0  # what a substitute has left of its time, once the deadline has passed


def judge(world: World, tasks_left: int) -> None:
    """Hold a run that is over against every law."""
    dispatches = defaultdict[int, list[Dispatch]](list)
    for dispatch in world.dispatches:
        dispatches[dispatch.call].append(dispatch)
    records = {record.id: record for record in world.records}
    if len(records) != len(world.records):
        world.complain("an exchange has two records")
    for visit in world.visits:
        number = visit.call.number
        try:
            visit.heard = heard = visit.read()
        except Exception as error:  # noqa: BLE001  # whatever the bytes make it raise, it is the client's misfortune
            world.complain(f"call {number} cannot be read: {error}", error)
            continue
        _end(world, visit, heard)
        _deadline(world, visit)
        _attempts(world, visit, dispatches[number])
        _record(world, visit, dispatches[number], records)
        _text(world, visit, heard, dispatches)
        _answers_closed(world, visit, dispatches[number])
        sent = [f"{dispatch.kind}@{dispatch.target.name}" for dispatch in dispatches[number]]
        summed = crc32(visit.head + b"".join(visit.pieces))
        world.diary(f"call {number} {summed} {visit.how} {visit.ended_s} {visit.status} {heard} after {sent}")
    _charges(world, dispatches)
    _rooms(world)
    if tasks_left:
        world.complain(f"{tasks_left} tasks are left over")


def _end(world: World, visit: Visit, heard: Heard) -> None:
    """Every answer ends exactly once, and so that its client knows how."""
    number = visit.call.number
    expected = {
        "answered": ("complete",) if visit.status == 200 else ("error",),
        "ended": ("complete",),
        "cut": ("error",),
        "crashed": ("", "complete", "error"),
        "left": ("", "complete", "error"),
    }.get(visit.how, ())
    if not expected:
        world.complain(f"call {number} never ended")
    elif heard.end not in expected:
        world.complain(f"call {number} was {visit.how}, and its client thinks {heard.end!r}")


def _deadline(world: World, visit: Visit) -> None:
    """No call takes longer than it may."""
    exchange = visit.exchange
    if exchange is None or visit.ended_s is None:
        return
    plan = world.scenario.policy.plans[visit.call.route]
    due_s = exchange.started_s + plan.timeouts.total_s + LATE_S
    if exchange.degraded in ("message", "cached") or exchange.is_replayed:
        due_s += HAND_OUT_S if plan.degraded.message or plan.degraded.cached_s else 0.0
    if visit.ended_s > due_s:
        world.complain(f"call {visit.call.number} ended at {visit.ended_s:.3f}, its time was over at {due_s:.3f}")


def _attempts(world: World, visit: Visit, sent: list[Dispatch]) -> None:
    """No call makes more attempts than its policy lets it, in all and at each target."""
    plan = world.scenario.policy.plans[visit.call.route]
    if len(sent) > plan.own.retry.max_attempts:
        world.complain(f"call {visit.call.number} made {len(sent)} attempts of {plan.own.retry.max_attempts}")
    for leg in plan.legs:
        here = [dispatch for dispatch in sent if dispatch.target.name == leg.target.name]
        if len(here) > leg.settings.retry.retries + 1:
            world.complain(f"call {visit.call.number} tried {leg.target.name} {len(here)} times")


def _record(world: World, visit: Visit, sent: list[Dispatch], records: dict[str, CallRecord]) -> None:
    """Every exchange has one record, which names every attempt that a provider saw, in its order."""
    exchange, number = visit.exchange, visit.call.number
    if exchange is None:
        if visit.how not in {"crashed", "left"}:
            world.complain(f"call {number} never became an exchange")
        return
    record = records.get(exchange.id)
    if record is None:
        # A worker that dies takes the record with it, of calls too whose clients have left already.
        if visit.how != "crashed" and not visit.worker_died:
            world.complain(f"call {number} has no record")
        return
    wrote, saw = [f"{a.provider}/{a.model}" for a in record.attempts], [d.target.name for d in sent]
    if wrote != saw:
        world.complain(f"call {number} recorded {wrote}, the providers saw {saw}")
    if visit.how in ("answered", "ended") and visit.status == 200 and record.outcome != "ok":
        world.complain(f"call {number} was answered, and its record says {record.outcome} {record.error}")
    if visit.how == "cut" and record.outcome == "ok":
        world.complain(f"call {number} was cut, and its record says ok")


def _text(world: World, visit: Visit, heard: Heard, sent: dict[int, list[Dispatch]]) -> None:
    """A right answer says what a provider said, all of it and once; a broken one no more than what it had come to."""
    if not heard.text or heard.text.strip() == MESSAGE:
        return
    exchange, call = visit.exchange, visit.call
    said = {d.answer.text: d.answer for found in sent.values() for d in found if d.answer is not None}
    if _may_be_of_two(visit):
        _continued_text(world, visit, heard)
        return
    answer = said.get(heard.text)
    if heard.end == "complete":
        if answer is None:
            world.complain(f"call {call.number} was told {heard.text!r}, which nobody said")
        elif answer.tool != heard.tool:
            world.complain(f"call {call.number} was told to call with {heard.tool!r}, and not {answer.tool!r}")
        elif not (exchange and exchange.degraded) and not answer.tag.startswith(f"w{call.number}."):
            world.complain(f"call {call.number} was told {heard.text!r}, which is another's answer")
    _continued_text(world, visit, heard)


def _continued_text(world: World, visit: Visit, heard: Heard) -> None:
    """Words of one attempt come in their order, from the first, none twice; the next attempt begins from the first."""
    tags, at = list[str](), 0
    for word in heard.text.split():
        tag, _, number = word.partition("-")
        if not tags or tag != tags[-1]:
            if tag in tags:
                world.complain(f"call {visit.call.number} was told {heard.text!r}: {tag} comes back")
            tags.append(tag)
            at = 0
        if number and number != str(at):
            world.complain(f"call {visit.call.number} was told {heard.text!r}: word {number} in the place of {at}")
        at += 1
    if len(tags) > 1 + _may_be_of_two(visit):
        world.complain(f"call {visit.call.number} was told {heard.text!r}, of {len(tags)} answers")


def _may_be_of_two(visit: Visit) -> bool:
    """Say whether the answer was continued, or is an earlier one that may have been."""
    exchange = visit.exchange
    if exchange is None:
        return False
    return "stream.continued" in exchange.notes or exchange.is_replayed or exchange.degraded == "cached"


def _answers_closed(world: World, visit: Visit, sent: list[Dispatch]) -> None:
    """Every answer of a provider is read to its end or given up, soon after its client has left."""
    exchange, number = visit.exchange, visit.call.number
    for dispatch in sent:
        reply = dispatch.reply
        if visit.worker_died:
            continue  # its connections died with it
        if not dispatch.is_over:
            world.complain(f"call {number} still waits for an answer from {dispatch.target.name}")
        if reply is None:
            continue
        if reply.closed_s is None:
            world.complain(f"call {number} left an answer of {dispatch.target.name} open ({dispatch.kind})")
        elif visit.left_s is not None and exchange is not None and not exchange.watchdog.survives:
            if reply.closed_s > visit.left_s + HUNG_UP_S:
                world.complain(f"call {number} was left at {visit.left_s}, its answer at {reply.closed_s}")
        elif visit.ended_s is not None and visit.left_s is None and reply.closed_s > visit.ended_s + DRAIN_S + LATE_S:
            world.complain(f"call {number} ended at {visit.ended_s}, its provider's answer at {reply.closed_s}")


def _charges(world: World, sent: dict[int, list[Dispatch]]) -> None:
    """The calls of one idempotency key make one that is charged, and one more each time that a client asks for it."""
    called = defaultdict[bytes, list[Visit]](list)
    for visit in world.visits:
        if visit.call.key:
            called[visit.call.key].append(visit)
    for key, visits in called.items():
        charged = [v.call.number for v in visits if any(d.is_charged for d in sent[v.call.number])]
        reruns = [v.call.number for v in visits if b"x-seawall-idempotency-rerun" in v.call.headers]
        if len(charged) > 1 + len(reruns):
            world.complain(f"the key {key.decode()} was charged for calls {charged}, with reruns {reruns}")


def _rooms(world: World) -> None:
    """At the end every place is given back, and nobody is still thought to be running."""
    for worker in world.workers:
        if worker is None:
            continue
        house = worker.house
        for limit in house.limits.states():
            if limit.in_flight:
                world.complain(f"{worker.name} has {limit.in_flight} places at {limit.target} that nobody gave back")
        quotas = house.quotas._all
        counts = {
            "admissions": house.admissions.in_flight,
            "running": len(house.running),
            "keys": len(house.keys.running) if house.keys else 0,
            "live": sum(quota.live for quota in quotas.values()),
            "retrying": sum(quota.retrying for quota in quotas.values()),
        }
        left = {name: count for name, count in counts.items() if count}
        if left:
            world.complain(f"{worker.name} still counts {left}")
    if world.kennel.watching:
        world.complain(f"{len(world.kennel.watching)} exchanges are still watched")
