import { bytes, duration, figures, find, number, perSecond } from './dom.js';
import { createPlot } from './plot.js';

const plots = {
  published: createPlot('Published', perSecond),
  delivered: createPlot('Delivered', perSecond),
  subscribers: createPlot('Subscribers', number),
  memory: createPlot('Memory', bytes),
};
find('plots').append(...Object.values(plots).map(plot => plot.element));

let last = null;

/** Takes the figures of a second. */
export function takeStatistics(now) {
  if (last && now.uptime < last.uptime) {
    // The server was started again: its totals begin anew.
    last = null;
    for (const plot of Object.values(plots)) plot.clear();
  }

  if (last && now.time > last.time) {
    const seconds = (now.time - last.time) / 1000;
    for (const name of ['published', 'delivered']) plots[name].add(now.time, (now[name] - last[name]) / seconds);
  }

  plots.subscribers.add(now.time, now.subscribers.total);
  plots.memory.add(now.time, now.memory.process);
  const { total, poll, jsonp, sse, stream, websocket } = now.subscribers;
  figures(find('transports'), { All: number(total), 'Long poll': number(poll), JSONP: number(jsonp), SSE: number(sse), Stream: number(stream), WebSocket: number(websocket) });
  figures(find('totals'), {
    Published: number(now.published),
    Delivered: number(now.delivered),
    Gaps: number(now.gaps),
    Resets: number(now.resets),
    Stalls: number(now.stalls),
    Refused: number(now.refused),
    'Open channels': number(now.channels),
    Memory: bytes(now.memory.process),
    Heap: bytes(now.memory.heap),
    Uptime: duration(now.uptime),
  });
  last = now;
}
