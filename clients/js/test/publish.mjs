// Publishes m0, m1, … one after another and prints the seqid of each: node publish.mjs URL CHANNEL COUNT
import { connect } from 'ccomet';

const [url, channel, count] = process.argv.slice(2);
const client = connect(url, { limits: { retryMin: 10, retryMax: 200 } });
for (let i = 0; i < Number(count); i++) console.log((await client.publish(channel, `m${i}`, { timeout: 120_000 })).seqid);
client.close();
