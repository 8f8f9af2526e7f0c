// Follows a channel from its start and prints the seqid of each message: node follow.mjs URL CHANNEL TRANSPORT LAST
// Ends after the message whose seqid is LAST; a gap ends it with the exit code 1, by an uncaught GapError.
import { connect, sse, websocket } from 'ccomet';

const [url, channel, transport, last] = process.argv.slice(2);
const client = connect(url, { transport: { sse, websocket }[transport] ?? transport, limits: { retryMin: 10, retryMax: 200 } });
for await (const { seqid } of client.subscribe(channel, { from: 'start' })) {
  console.log(seqid);
  if (seqid === Number(last)) break;
}

client.close();
