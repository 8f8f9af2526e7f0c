// The declarations as a page with a script tag sees them.
/// <reference path="../../../../CComet.Web/wwwroot/js/ccomet.d.ts" />

const room = new CComet({ url: '.', channel: 'lobby', sname: 'alice', exclusive: true, transport: 'auto', sign: true });
const unlisten: () => void = room.on('message', message => console.log(message.sname?.length, message.msg, message.seqid.toFixed()));
room.on('state', (state, before) => console.log(state === 'open', before === 'closed'));
room.on('error', error => console.log(error instanceof CComet.Error, error.retryIn ?? 0, error.message));
const gap = (gap: CComet.Gap): number => gap.to - gap.from;
room.on('gap', gap);
room.on('signed', message => console.log(message.seqid, room.retryIn?.toFixed()));
room.off('gap', gap);
room.publish({ any: ['value'] }, { id: 'x', timeout: 1000 }).then(receipt => receipt.duplicate ?? receipt.seqid);
const transport: CComet.TransportName = room.transport;
new CComet({ sub_url: '/sub?channel=a&seqid=', pub_url: '/pub?channel=a&msg=', callback: message => message.msg }).pub('text');
new CComet({ channel: 'a', token: async () => (await fetch('token', { method: 'POST' })).text(), credentials: 'include' });
new CComet({ channel: 'a', token: 'a.b.c' });
new CComet({ channel: 'a', token: () => null });
console.log(unlisten, transport, room.cursor?.split(':'), CComet.protocol);

// @ts-expect-error a channel is needed
new CComet({ url: '.' });
// @ts-expect-error there is no such transport
new CComet({ channel: 'a', transport: 'pigeon' });
// @ts-expect-error a token is no number
new CComet({ channel: 'a', token: () => 5 });
// @ts-expect-error the addresses of 2014 know no token
new CComet({ sub_url: '/sub?channel=a&seqid=', token: 'a.b.c' });
// @ts-expect-error there is no such event
room.on('massage', () => {});
// @ts-expect-error the cursor is moved by the client alone
room.cursor = 'e:1';
