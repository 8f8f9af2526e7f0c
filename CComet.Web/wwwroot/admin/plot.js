import { make } from './dom.js';

const SPAN = 120_000;
const WIDTH = 240;
const HEIGHT = 60;
const SVG = 'http://www.w3.org/2000/svg';

/** Creates a plot of the last two minutes; its figures are text too. */
export function createPlot(title, format) {
  const line = document.createElementNS(SVG, 'polyline');
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(line);
  const now = make('b', { textContent: '–' });
  const most = make('span', { textContent: 'highest –' });
  const element = make('figure', {}, make('figcaption', {}, title, now), svg, make('p', {}, make('span', { textContent: '2 minutes' }), most));
  let points = [];
  return {
    element,
    add(time, value) {
      points = [...points.filter(point => point.time > time - SPAN && point.time < time), { time, value }];
      const top = Math.max(...points.map(point => point.value), Number.MIN_VALUE);
      line.setAttribute('points', points.map(point => `${(WIDTH * (1 - (time - point.time) / SPAN)).toFixed(1)},${((HEIGHT - 2) * (1 - point.value / top) + 1).toFixed(1)}`).join(' '));
      now.textContent = format(value);
      most.textContent = `highest ${format(points.length === 0 ? 0 : Math.max(...points.map(point => point.value)))}`;
    },
    clear() { points = []; },
  };
}
