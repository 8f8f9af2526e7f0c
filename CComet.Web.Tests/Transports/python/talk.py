"""Publishes and receives through the package websockets, and prints what it was told, one JSON element a line."""
import asyncio
import json
import sys

import websockets


async def main(url, channel):
    async with websockets.connect(url) as socket:
        said = False

        # Its own receipt and somebody else's word are the last that is waited for, whichever comes first.
        awaited = {"receipt", "word"}
        while awaited:
            for element in json.loads(await socket.recv()):
                print(json.dumps(element), flush=True)
                if element["type"] == "pub":
                    awaited.discard("receipt")
                if element.get("msg") == "enough":
                    awaited.discard("word")
            if not said:
                await socket.send(json.dumps({"channel": channel, "msg": "from python", "sname": "snake"}))
                said = True


asyncio.run(main(*sys.argv[1:]))
