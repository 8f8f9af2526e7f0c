"""Publishes and receives through the package websockets, and prints what it was told, one JSON element a line."""
import asyncio
import json
import sys

import websockets


async def main(url, channel):
    async with websockets.connect(url) as socket:
        said = False
        while True:
            for element in json.loads(await socket.recv()):
                print(json.dumps(element), flush=True)

                # Somebody else's word is the last that is waited for.
                if element.get("msg") == "enough":
                    return
            if not said:
                await socket.send(json.dumps({"channel": channel, "msg": "from python", "sname": "snake"}))
                said = True


asyncio.run(main(*sys.argv[1:]))
