// Follows a channel from where it was left the last time, until SIGTERM. See README.md.
import { open, readFile, rename } from 'node:fs/promises';
import { connect, GapError } from 'ccomet';

const [url, channel, file = `${channel?.replace(/[^\w.-]/g, '_')}.cursor`] = process.argv.slice(2);
if (!channel) {
  console.error('Usage: node worker.mjs URL CHANNEL [FILE]');
  process.exit(2);
}

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stopping.abort());

// With CCOMET_TOKEN in the environment it goes by that token. A function can get a fresh one each time.
const client = connect(url, { token: process.env.CCOMET_TOKEN, signal: stopping.signal });
let from = await readCursor();
while (!stopping.signal.aborted) {
  try {
    for await (const message of client.subscribe(channel, { from })) {
      handle(message);
      await saveCursor(from = message.cursor);
    }
  } catch (error) {
    if (!(error instanceof GapError)) {
      // Refused for good, for a reason that asking again does not change.
      console.error(error.message);
      process.exitCode = 1;
      break;
    }

    // Here an application that keeps a copy of something reads all of it anew.
    console.error(error.message);
    await saveCursor(from = error.cursor ?? 'start');
  }
}

// Nothing is left then that keeps the process alive.
client.close();

/** The work. A message that was not saved behind is handled again after a crash. */
function handle({ sname, msg }) {
  console.log(`${sname ? `${sname}: ` : ''}${typeof msg === 'string' ? msg : JSON.stringify(msg)}`);
}

async function readCursor() {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (error.code === 'ENOENT') return 'start';
    throw error;
  }
}

/** Writes a new file and puts it in the place of the old one, so that a crash leaves one of the two whole. */
async function saveCursor(cursor) {
  const fresh = `${file}.new`;
  const output = await open(fresh, 'w');
  try {
    await output.writeFile(`${cursor}\n`);
    await output.sync();
  } finally {
    await output.close();
  }

  await rename(fresh, file);
}
