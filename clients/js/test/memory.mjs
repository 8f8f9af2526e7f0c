// Follows a channel from its start for COUNT messages, and prints the bytes of the heap after a quarter of them and after all:
// node --expose-gc memory.mjs URL CHANNEL TRANSPORT COUNT
import { connect } from 'ccomet';

const [url, channel, transport, count] = process.argv.slice(2);
const client = connect(url, { transport });
const heap = async () => {
  // What a first collection frees may hold more until its finalizers have run.
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise(setImmediate);
  }

  return process.memoryUsage().heapUsed;
};
let expected = 0;
for await (const { seqid } of client.subscribe(channel, { from: 'start' })) {
  if (seqid !== expected++) throw new Error(`${seqid} came instead of ${expected - 1}.`);
  if (expected === Math.floor(count / 4) || expected === Number(count)) console.log(await heap());
  if (expected === Number(count)) break;
}

client.close();
