"""HTTP/1.1, its bodies and WebSockets over asyncio's streams, as far as a client of CComet needs them."""

import asyncio
import base64
import os
import urllib.parse

LONGEST = 8 * 1024 * 1024


class Cut(Exception):
    """The connection ended before the answer did, or could not be had."""


class Answer:
    """The head of an answer. The body is read piece by piece, as it comes."""

    def __init__(self, status, headers, reader, writer):
        self.status, self.headers, self._reader, self._writer = status, headers, reader, writer

    async def pieces(self):
        """The body's pieces; raises Cut when it is not whole."""
        reader = self._reader
        if 'chunked' in self.headers.get('transfer-encoding', '').lower():
            while size := int((await line(reader)).split(b';')[0], 16):
                yield await exactly(reader, size)
                await line(reader)
            while await line(reader):
                pass
        elif 'content-length' in self.headers:
            left = int(self.headers['content-length'])
            while left:
                piece = await some(reader, min(left, 65536))
                left -= len(piece)
                yield piece
        else:
            while piece := await reader.read(65536):
                yield piece

    async def text(self):
        return b''.join([piece async for piece in self.pieces()]).decode()

    def close(self):
        self._writer.close()


async def exactly(reader, count):
    try:
        return await reader.readexactly(count)
    except (asyncio.IncompleteReadError, OSError) as error:
        raise Cut('The connection was cut.') from error


async def some(reader, most):
    try:
        piece = await reader.read(most)
    except OSError as error:
        raise Cut('The connection was cut.') from error
    if not piece:
        raise Cut('The connection was cut.')
    return piece


async def line(reader):
    try:
        return (await reader.readuntil(b'\n')).rstrip(b'\r\n')
    except (asyncio.IncompleteReadError, OSError) as error:
        raise Cut('The connection was cut.') from error


async def request(url, method='GET', headers=(), body=None):
    """Sends a request on a connection of its own. Redirects are not followed. The caller closes the answer."""
    place = urllib.parse.urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=LONGEST)
    except OSError as error:
        raise Cut('The server cannot be reached.') from error
    try:
        target = place.path + (f'?{place.query}' if place.query else '')
        lines = [f'{method} {target} HTTP/1.1', f'Host: {place.netloc}', *(f'{name}: {value}' for name, value in headers)]
        if body is not None:
            lines.append(f'Content-Length: {len(body)}')
        writer.write('\r\n'.join(lines).encode() + b'\r\n\r\n' + (body or b''))
        while True:
            status = int((await line(reader)).split()[1])
            told = {}
            while one := await line(reader):
                name, _, value = one.decode('latin-1').partition(':')
                told[name.strip().lower()] = value.strip()
            # What comes with 1xx is no answer yet; 101 is one.
            if status == 101 or status >= 200:
                return Answer(status, told, reader, writer)
    except BaseException:
        writer.close()
        raise


async def socket(url, headers=()):
    """Opens a WebSocket: an answer with status 101, or the refusal."""
    key = base64.b64encode(os.urandom(16)).decode()
    return await request(url, headers=[*headers, ('Upgrade', 'websocket'), ('Connection', 'Upgrade'), ('Sec-WebSocket-Key', key), ('Sec-WebSocket-Version', '13')])


async def texts(answer):
    """The texts that come over a WebSocket; ends when the server closes it."""
    whole = b''
    while True:
        first, length = await exactly(answer._reader, 2)
        if length >= 126:
            length = int.from_bytes(await exactly(answer._reader, 2 if length == 126 else 8), 'big')
        payload = await exactly(answer._reader, length)
        opcode = first & 15
        if opcode == 8:
            send(answer, 8, payload[:2])
            return
        if opcode == 9:
            send(answer, 10, payload)
        elif opcode < 3:
            whole += payload
            if first & 128:
                yield whole.decode()
                whole = b''


def send(answer, opcode, payload):
    mask = os.urandom(4)
    length = bytes([128 | len(payload)]) if len(payload) < 126 else bytes([254]) + len(payload).to_bytes(2, 'big')
    answer._writer.write(bytes([128 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


def decoded(pieces, broken=False):
    """Pieces of bytes as pieces of text. A character that is split stays behind until it is whole."""
    import codecs
    decoder = codecs.getincrementaldecoder('utf-8')()

    async def run():
        async for piece in pieces:
            yield piece.decode(errors='replace') if broken else decoder.decode(piece)
    return run()


async def lines(pieces):
    """The whole lines of a text that comes in pieces. What is behind the last line's end is no line."""
    begun = []
    async for piece in pieces:
        *ended, rest = piece.split('\n')
        for one in ended:
            yield ''.join([*begun, one])
            begun = []
        if rest:
            begun.append(rest)


async def events(pieces):
    """The server-sent events of a text that comes in pieces: each a dictionary of its fields."""
    event, begun, last, is_first = {}, [], '', True
    async for piece in pieces:
        if is_first and piece:
            piece, is_first = piece.removeprefix('\ufeff'), False
        if not piece:
            continue
        is_behind, last = last == '\r', piece[-1]
        if is_behind:
            # One end of a line that came in two pieces.
            piece = piece.removeprefix('\n')
        *ended, rest = piece.replace('\r\n', '\n').replace('\r', '\n').split('\n')
        for one in ended:
            text = ''.join([*begun, one])
            begun = []
            if text:
                field, _, value = text.partition(':')
                value = value.removeprefix(' ')
                event[field] = f"{event['data']}\n{value}" if field == 'data' and 'data' in event else value
            elif event:
                yield event
                event = {}
        if rest:
            begun.append(rest)
