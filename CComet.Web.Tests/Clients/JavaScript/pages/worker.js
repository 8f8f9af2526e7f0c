// A worker of any kind, which follows and publishes by the npm package and tells the page what comes.
import { connect, jsonp, sse, websocket } from './index.js';
import { CComet } from './page.js';

const TRANSPORTS = { stream: 'stream', poll: 'poll', sse, websocket };

/** What a constructor says that cannot work here. */
function refusal(make) {
  try {
    make().close();
    return 'It was made.';
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

const work = {
  async follow(tell, { url, name }) {
    const client = connect(url, { transport: TRANSPORTS[name] });
    const room = client.subscribe(name);
    await room.opened;
    tell('open');
    for await (const { msg } of room) {
      tell(msg);
      if (msg === 'by the test') await client.publish(name, 'by the worker');
      if (msg === 'by the worker') break;
    }

    client.close();
    tell(room.state);
  },
  follow2014(tell, { url }) {
    const room = new CComet({ url, channel: 'class' });
    room.on('state', state => tell(state));
    room.on('message', ({ msg }) => {
      tell(msg);
      if (msg === 'by the test') room.publish('by the worker');
      else room.close();
    });
  },
  refusals(tell, { url }) {
    tell(refusal(() => connect(url, { transport: jsonp })));
    tell(refusal(() => new CComet({ url, channel: 'a', transport: 'jsonp' })));
    tell(refusal(() => new CComet({ url: 'ftp://x', channel: 'a' })));
    const Socket = globalThis.WebSocket;
    delete globalThis.WebSocket;
    tell(refusal(() => connect(url, { transport: websocket })));
    tell(refusal(() => new CComet({ url, channel: 'a', transport: 'websocket' })));
    globalThis.WebSocket = Socket;
  },
};

const begin = ({ data, ports: [port] }) => work[data.what](text => port.postMessage(text), data);
addEventListener('message', begin);
addEventListener('connect', ({ ports: [port] }) => { port.onmessage = begin; });
