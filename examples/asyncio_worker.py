"""Jobs of several customers at once: units and spans follow each task, not the thread that runs them all."""

import asyncio

import tollspan

tollspan.init("worker", service_version="1.0.0", environment="example")


@tollspan.span("job")
async def work(job: int) -> None:
    with tollspan.span("fetch"):
        await asyncio.sleep(0.01)
    with tollspan.span("store", {"job": job}):
        await asyncio.sleep(0.01)


async def consume(jobs: asyncio.Queue[tuple[int, str]]) -> None:
    while True:
        job, customer = await jobs.get()
        with tollspan.unit(customer):
            await work(job)
        jobs.task_done()


async def main() -> None:
    jobs: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    for job in range(6):
        jobs.put_nowait((job, ("acme-toys", "globex-garden")[job % 2]))
    async with asyncio.timeout(30):
        consumers = [asyncio.create_task(consume(jobs)) for _ in range(3)]
        await jobs.join()
        for consumer in consumers:
            consumer.cancel()


asyncio.run(main())
