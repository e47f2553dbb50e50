"""A link in a process of its own that publishes acks and never drops one: to be killed."""

import asyncio
import random
import sys
from pathlib import Path

from agent.ledger.ledger import Ledger
from agent.ledger.store import Store
from agent.links.mqtt import Broker, MqttLink
from agent.links.outgoing import Outgoing


class Forgetful(Ledger):
    async def drop(self, numbers):
        return await asyncio.Event().wait()


async def main(port, folder, count):
    ledger = Forgetful(Store("sqlite:///a.db", folder))
    where = Broker(host="127.0.0.1", port=port, client_id="child", prefix="hashwatt/test")
    link = MqttLink(where, ledger, random.Random(2))
    acks = [
        Outgoing(topic="hashwatt/test/orders/o1/ack", payload=b'{"seq":%d}' % number, retain=True)
        for number in range(count)
    ]
    await ledger.append([], acks)
    await link.run()


if __name__ == "__main__":
    state = Path(sys.argv[2])
    state.mkdir(exist_ok=True)
    asyncio.run(main(int(sys.argv[1]), state, int(sys.argv[3]) if len(sys.argv) > 3 else 0))
