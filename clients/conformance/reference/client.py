#!/usr/bin/env python3
"""A plain client of CComet, and its adapter for the conformance suite.

It shares nothing with the SDKs: it proves that the scenarios can be passed by who reads the contract, and, made wrong on purpose
with `--broken NAME`, that the suite notices. `--broken list` tells the names.
"""

import asyncio
import json
import random
import sys
import time
import urllib.parse
import uuid

import wire

BROKEN = {
    'drops-after-cut': 'asks for one message too late when it reconnects',
    'repeats': 'shows what it has seen when it comes again',
    'forgets-its-place': 'begins at "now" again when it reconnects before the first message',
    'ignores-gap': 'passes over GAP',
    'ignores-reset': 'passes over RESET, and keeps counting as before',
    'tells-a-gap-at-the-start': 'tells of a loss when it was asked for what is kept',
    'ignores-retry-after': 'comes back when it likes',
    'ignores-bye-retry': 'comes back at once after BYE',
    'follows-redirect': 'follows a redirect to another host, and shows its token there',
    'comes-back-after-close': 'takes the close of a channel for the end of a connection',
    'retries-a-refusal': 'goes on asking after 403',
    'keeps-its-token': 'asks again with the token that was refused',
    'breaks-before-it-makes': 'ends its stream before it has one with the next token',
    'token-in-the-address': 'sends its token in the query',
    'waits-for-ever': 'takes a silent stream for a quiet one',
    'splits-characters': 'decodes each piece by itself',
    'shows-what-it-does-not-know': 'shows elements of unknown types as messages',
    'new-id-for-each-try': 'publishes again with another id',
    'publishes-once': 'does not try again to publish',
    'keeps-its-connection': 'leaves the connection open when nobody subscribes any more',
    'never-ends': 'does not end when it is closed',
    'one-connection-a-channel': 'opens a connection for each channel',
}
broken = None

FINAL = {400, 401, 403, 404, 405, 409, 413, 415, 431}


def tell(kind, **members):
    print(json.dumps({'is': kind, **{name: value for name, value in members.items() if value is not None}}), flush=True)


class Refused(Exception):
    def __init__(self, status, code, detail):
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Later(Exception):
    """To be tried again, at the earliest after so many seconds."""

    def __init__(self, after=0.0):
        super().__init__()
        self.after = after


class Silent(Exception):
    """Nothing has come for too long."""


class Subscription:
    def __init__(self, id, channel, start, on_gap):
        self.id, self.channel, self.on_gap = id, channel, on_gap
        self.epoch, self.next, self.is_known = None, None, False
        # What is kept was asked for: that it does not begin at 0 is no loss.
        self.takes_what_is_kept = start == 'start'
        self.is_reset = False
        if start == 'start':
            self.next = 0
        elif start != 'now':
            self.epoch, _, seqid = start.rpartition(':')
            self.next = int(seqid)

    @property
    def cursor(self):
        return f'{self.epoch}:{self.next}'


class Client:
    def __init__(self, url, transport=None, tokens=None, retryMin=500, retryMax=30000, silence=40000, firstByte=10000):
        self.url, self.transport, self.tokens = url, transport or 'stream', tokens
        self.may_fall_back = transport is None
        self.retry_min, self.retry_max = retryMin / 1000, retryMax / 1000
        self.silence, self.first_byte = silence / 1000, firstByte / 1000
        self.subscriptions, self.tasks = {}, set()
        self.changed, self.renew_at, self.delivered = asyncio.Event(), None, False
        self.runner = asyncio.create_task(self.run())

    # Tokens

    def token(self):
        if not self.tokens:
            return None
        tell('token')
        return self.tokens.pop(0) if len(self.tokens) > 1 and broken != 'keeps-its-token' else self.tokens[0]

    # One request

    async def ask(self, path, query=(), token=None, method='GET', body=None, accept='application/json'):
        headers = [('Accept', accept)]
        if token:
            headers.append(('Authorization', f'Bearer {token}'))
            if broken == 'token-in-the-address':
                query = [*query, ('token', token)]
        if body is not None:
            headers.append(('Content-Type', 'application/json'))
        url = f'{self.url}/{path}?{urllib.parse.urlencode(query)}'
        answer = await (wire.socket(url, headers) if path == 'ws' else wire.request(url, method, headers, body))
        if broken == 'follows-redirect' and 300 <= answer.status < 400:
            answer.close()
            answer = await wire.request(answer.headers['location'], method, headers, body)
        if answer.status in (101, 200):
            return answer
        try:
            await self.refuse(answer)
        finally:
            answer.close()

    async def refuse(self, answer):
        text = await answer.text()
        try:
            told = json.loads(text)
            told = told[0] if isinstance(told, list) else told
        except ValueError:
            told = {}
        after = 0.0 if broken == 'ignores-retry-after' else float(answer.headers.get('retry-after', 0))
        self.refuse_by(answer.status, told.get('code', told.get('type', str(answer.status))), told.get('detail', told.get('reason', '')), after)

    def refuse_by(self, status, code, detail, after=0.0):
        if status in FINAL and not (broken == 'retries-a-refusal' and status == 403):
            raise Refused(status, code, detail)
        raise Later(after)

    # The connection that all subscriptions share

    async def run(self):
        failures, is_fresh = 0, False
        while True:
            self.changed.clear()
            subscriptions = list(self.subscriptions.values())
            if not subscriptions:
                await self.changed.wait()
                # Subscriptions that are made one after another share a connection.
                await asyncio.sleep(0.005)
                continue
            self.delivered = False
            try:
                if broken == 'one-connection-a-channel':
                    await asyncio.gather(*(self.follow([one]) for one in subscriptions))
                else:
                    await self.follow(subscriptions)
                failures, is_fresh = 0, False
                continue
            except Refused as refusal:
                if refusal.code == '402':
                    for one in subscriptions:
                        if one.epoch is not None or one.next:
                            one.is_reset = True
                        one.epoch, one.next, one.is_known = None, 0, False
                    pause = 0
                elif refusal.status == 401 and self.tokens and not is_fresh:
                    is_fresh = True
                    continue
                else:
                    for one in subscriptions:
                        tell('refused', id=one.id, status=refusal.status, code=refusal.code, detail=refusal.detail)
                        self.end(one)
                    continue
            except Later as later:
                pause = later.after
            except (wire.Cut, Silent):
                pause = 0
            if self.delivered:
                failures, is_fresh = 0, False
            await asyncio.sleep(pause + random.uniform(0, min(self.retry_max, self.retry_min * 2 ** failures)))
            failures += 1

    async def follow(self, subscriptions):
        """One connection, until it ends or the subscriptions change; before its token expires another takes its place."""
        changed = asyncio.create_task(self.changed.wait())
        current = self.start(subscriptions)
        following = [current]
        try:
            while True:
                self.renew_at = None
                await asyncio.wait({changed, current.task, current.begun}, return_when=asyncio.FIRST_COMPLETED)
                timeout = None if self.renew_at is None else max(0, self.renew_at - asyncio.get_running_loop().time())
                await asyncio.wait({changed, current.task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                # With the last subscription that its channel's close has ended, the stream has ended too.
                if current.task.done() and not self.changed.is_set():
                    return current.task.result()
                if self.changed.is_set():
                    if broken == 'keeps-its-connection' and not self.subscriptions:
                        await asyncio.Event().wait()
                    return None
                if broken == 'breaks-before-it-makes':
                    current.task.cancel()
                    await asyncio.wait({current.task})
                successor = self.start(subscriptions)
                following.append(successor)
                await asyncio.wait({changed, successor.task, successor.begun}, return_when=asyncio.FIRST_COMPLETED)
                current.task.cancel()
                current = successor
        finally:
            changed.cancel()
            for one in following:
                one.task.cancel()
                one.begun.cancel()
            await asyncio.gather(*(one.task for one in following), return_exceptions=True)

    def start(self, subscriptions):
        connection = Connection()
        connection.task = asyncio.create_task(self.receive(subscriptions, self.token(), connection))
        return connection

    async def receive(self, subscriptions, token, connection):
        query = []
        for one in subscriptions:
            query.append(('channel', one.channel))
        is_placed = any(one.next is not None for one in subscriptions)
        if is_placed and not (broken == 'forgets-its-place' and all(one.is_known for one in subscriptions) and not self.has_shown):
            for one in subscriptions:
                late = 1 if broken == 'drops-after-cut' and one.is_known and one.next else 0
                query += [('seqid', '' if one.next is None else one.next + late), ('epoch', one.epoch or '')]
            if len(subscriptions) == 1 and subscriptions[0].epoch is None:
                query.pop()
        how = {'stream': self.by_lines, 'sse': self.by_events, 'websocket': self.by_frames, 'poll': self.by_poll, 'jsonp': self.by_poll}[self.transport]
        await how(subscriptions, query, token, connection)

    has_shown = False

    async def heard(self, pieces, connection):
        """Passes pieces on, and gives up when none comes for too long."""
        pieces = pieces.__aiter__()
        while True:
            limit = self.silence if connection.begun.done() else self.first_byte
            try:
                piece = await asyncio.wait_for(anext(pieces), None if broken == 'waits-for-ever' else limit)
            except StopAsyncIteration:
                return
            except asyncio.TimeoutError:
                self.fall_back(connection)
                raise Silent() from None
            yield piece
            connection.begin()

    def fall_back(self, connection):
        if self.may_fall_back and not connection.begun.done():
            self.transport = 'poll'

    async def open(self, path, query, token, accept, connection):
        try:
            return await asyncio.wait_for(self.ask(path, query, token, accept=accept), self.first_byte)
        except asyncio.TimeoutError:
            self.fall_back(connection)
            raise Silent() from None

    async def by_lines(self, subscriptions, query, token, connection):
        answer = await self.open('stream', query, token, 'application/x-ndjson', connection)
        try:
            pieces = self.heard(answer.pieces(), connection)
            async for line in wire.lines(wire.decoded(pieces, broken == 'splits-characters')):
                if line.strip():
                    self.take(subscriptions, [self.parse(line)])
            raise wire.Cut('The stream has ended.')
        finally:
            answer.close()

    def parse(self, line):
        try:
            return json.loads(line)
        except ValueError:
            raise wire.Cut('What came is no JSON.') from None

    async def by_events(self, subscriptions, query, token, connection):
        answer = await self.open('sse', query, token, 'text/event-stream', connection)
        retry = 0.0
        try:
            pieces = self.heard(answer.pieces(), connection)
            async for event in wire.events(wire.decoded(pieces, broken == 'splits-characters')):
                retry = float(event.get('retry', retry * 1000)) / 1000
                self.place(subscriptions, event.get('id'), is_first=True)
                if 'data' in event:
                    self.take(subscriptions, [self.parse(event['data'])])
                self.place(subscriptions, event.get('id'))
        except wire.Cut:
            pass
        finally:
            answer.close()
        raise Later(0.0 if broken == 'ignores-bye-retry' else retry)

    async def by_frames(self, subscriptions, query, token, connection):
        answer = await self.open('ws', query, token, '*/*', connection)
        try:
            async for text in self.heard(wire.texts(answer), connection):
                self.take(subscriptions, self.parse(text))
            raise wire.Cut('The WebSocket was closed.')
        finally:
            answer.close()

    async def by_poll(self, subscriptions, query, token, connection):
        connection.begin()
        if any(one.epoch is None and one.next is None for one in subscriptions):
            # A poll that is cut while it waits has told no place to go on from: the first is answered at once.
            query = [*query, ('wait', 0)]
        if self.transport == 'jsonp':
            query = [*query, ('callback', 'call.back')]
        answer = await self.ask('sub', query, token)
        try:
            text = await answer.text()
        finally:
            answer.close()
        items = self.parse(self.in_script(text) if self.transport == 'jsonp' else text)
        cursor = answer.headers.get('ccomet-cursor')
        self.place(subscriptions, cursor, is_first=True)
        self.take(subscriptions, items)
        self.place(subscriptions, cursor)
        if 'ccomet-retry' in answer.headers and broken != 'ignores-bye-retry':
            raise Later(float(answer.headers['ccomet-retry']) / 1000)

    @staticmethod
    def in_script(text):
        """Of /**/name('…') what is between the quotes."""
        if not (text.startswith("/**/call.back('") and text.endswith("')")):
            raise wire.Cut('What came is no call.')
        text, out, at = text[15:-2], [], 0
        while at < len(text):
            if text[at] != '\\':
                out.append(text[at])
                at += 1
            elif text[at + 1] == 'u':
                out.append(chr(int(text[at + 2:at + 6], 16)))
                at += 6
            else:
                out.append(text[at + 1])
                at += 2
        return ''.join(out)

    # What came

    def place(self, subscriptions, cursors, is_first=False):
        """Learns places from an id or a header: at first that of who has none."""
        if not cursors:
            return
        for one, cursor in zip(subscriptions, cursors.split(',')):
            epoch, _, seqid = cursor.rpartition(':')
            if len(subscriptions) > 1:
                epoch = urllib.parse.unquote(epoch)
            if not is_first and one.epoch == epoch:
                one.next = max(one.next or 0, int(seqid))
            elif is_first and one.epoch is None:
                self.know(one, epoch, int(seqid) if one.next is None else one.next)

    def know(self, one, epoch, next):
        one.epoch, one.next = epoch, next
        if one.is_reset:
            one.is_reset = False
            self.gap(one, 0, next - 1, True)
        if not one.is_known:
            one.is_known = True
            tell('opened', id=one.id, cursor=one.cursor)

    def take(self, subscriptions, items):
        named = {one.channel: one for one in subscriptions}
        for item in items:
            kind = item.get('type')
            if kind == 'BYE':
                raise Later(0.0 if broken == 'ignores-bye-retry' else item.get('retry', 0) / 1000)
            if isinstance(kind, str) and kind.isdigit():
                self.refuse_by(409 if kind == '402' else int(kind), kind, item.get('reason', ''))
            one = named.get(item.get('channel'))
            if kind == 'CURSOR' and 'expires' in item:
                self.renew_at = asyncio.get_running_loop().time() + 0.75 * (item['expires'] / 1000 - time.time())
            if broken == 'shows-what-it-does-not-know' and kind == 'WEATHER':
                tell('message', id=subscriptions[0].id, channel=subscriptions[0].channel, type=kind, msg=item.get('report'), seqid=-1)
            if one is None or self.subscriptions.get(one.id) is not one:
                continue
            if kind == 'CURSOR':
                if one.epoch is None:
                    self.know(one, item['epoch'], item['seqid'] if one.next is None else one.next)
            elif kind == 'RESET':
                if broken != 'ignores-reset':
                    before, one.epoch, one.next, one.is_reset = one.next, item['epoch'], item['seqid'], False
                    self.gap(one, before, (before or 0) - 1, True)
            elif kind == 'GAP':
                if one.epoch is None:
                    self.know(one, item['epoch'], item['to'] + 1)
                start, one.next = item['from'], item['to'] + 1
                if broken == 'tells-a-gap-at-the-start' or (not one.takes_what_is_kept and broken != 'ignores-gap'):
                    self.gap(one, start, item['to'], False)
            elif kind == 'CLOSE':
                if broken != 'comes-back-after-close':
                    self.end(one)
            elif kind in ('MSG', 'SIGN'):
                self.show(one, item)

    def gap(self, one, start, to, is_reset):
        tell('gap', id=one.id, **{'from': start}, to=to, cursor=one.cursor, reset=is_reset)
        if not one.on_gap:
            self.end(one)

    def show(self, one, item):
        if one.next is not None and item['seqid'] < one.next and broken != 'repeats':
            return
        one.next, one.takes_what_is_kept = item['seqid'] + 1, False
        self.delivered = self.has_shown = True
        print(json.dumps({'is': 'message', 'id': one.id, **{name: item[name] for name in ('channel', 'type', 'sname', 'msg', 'seqid') if name in item}, 'cursor': one.cursor}), flush=True)

    # What the application does

    def subscribe(self, id, channel, start, on_gap):
        self.subscriptions[id] = Subscription(id, channel, start, on_gap)
        self.changed.set()

    def end(self, one):
        if self.subscriptions.pop(one.id, None):
            tell('ended', id=one.id)
            self.changed.set()

    async def publish(self, id, channel, msg, message_id, timeout):
        message = {'channel': channel, 'msg': msg, 'id': message_id or str(uuid.uuid4())}
        deadline = asyncio.get_running_loop().time() + timeout
        failures, is_fresh = 0, False
        while True:
            pause = 0.0
            if broken == 'new-id-for-each-try':
                message['id'] = str(uuid.uuid4())
            try:
                answer = await self.ask('pub', token=self.token(), method='POST', body=json.dumps(message).encode())
                try:
                    receipt = json.loads(await answer.text())[0]
                finally:
                    answer.close()
                return tell('receipt', id=id, seqid=receipt['seqid'], duplicate=receipt.get('duplicate', False))
            except Refused as refusal:
                if refusal.status != 401 or not self.tokens or is_fresh:
                    return tell('refused', id=id, status=refusal.status, code=refusal.code, detail=refusal.detail)
                is_fresh = True
            except Later as later:
                pause = later.after
            except wire.Cut:
                pass
            pause += random.uniform(0, min(self.retry_max, self.retry_min * 2 ** failures))
            if broken == 'publishes-once' or asyncio.get_running_loop().time() + pause > deadline:
                return tell('refused', id=id, status=0, code='timeout', detail='The message was not sent in time.')
            await asyncio.sleep(pause)
            failures += 1

    async def close(self):
        for task in [self.runner, *self.tasks]:
            task.cancel()
        await asyncio.gather(self.runner, *self.tasks, return_exceptions=True)
        for one in list(self.subscriptions.values()):
            self.end(one)


class Connection:
    def __init__(self):
        self.begun = asyncio.get_running_loop().create_future()
        self.task = None

    def begin(self):
        if not self.begun.done():
            self.begun.set_result(None)


async def adapt():
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader(limit=wire.LONGEST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    tell('ready', sdk='reference', features=['sse', 'stream', 'poll', 'websocket', 'jsonp', 'token', 'publish', 'many', 'start'])
    client = None
    while line := await commands.readline():
        command = json.loads(line)
        match command.pop('do'):
            case 'open':
                client = Client(**command)
            case 'subscribe':
                client.subscribe(command['id'], command['channel'], command.get('from', 'now'), command.get('onGap', False))
            case 'unsubscribe':
                if one := client.subscriptions.get(command['id']):
                    client.end(one)
            case 'publish':
                task = asyncio.create_task(client.publish(command['id'], command['channel'], command['msg'], command.get('messageId'), command.get('timeout', 30000) / 1000))
                client.tasks.add(task)
                task.add_done_callback(client.tasks.discard)
            case 'close':
                if client:
                    await client.close()
                tell('closed')
                if broken == 'never-ends':
                    await asyncio.Event().wait()
                return


if __name__ == '__main__':
    if sys.argv[1:2] == ['--broken']:
        broken = sys.argv[2]
        if broken == 'list':
            print('\n'.join(f'{name}: {what}' for name, what in BROKEN.items()))
            sys.exit(0)
        if broken not in BROKEN:
            sys.exit(f"--broken: there is none that is called '{broken}'.")
    asyncio.run(adapt())
