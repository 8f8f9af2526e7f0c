// Follows a channel by the package eventsource and prints each message's seqid, until the last one has come.
import { EventSource } from 'eventsource'

const [url, last] = process.argv.slice(2)
const source = new EventSource(url)
source.onopen = () => console.log('open')
source.onmessage = ({ data }) => {
  const { seqid } = JSON.parse(data)
  console.log(seqid)
  if (seqid >= Number(last)) source.close()
}
source.onerror = ({ code, message }) => {
  if (source.readyState !== EventSource.CLOSED) return
  console.error(`The stream has ended for good: ${code ?? ''} ${message ?? ''}`)
  process.exitCode = 1
}
for (const kind of ['gap', 'reset', 'close']) {
  source.addEventListener(kind, ({ data }) => console.log(kind, data))
}
