// A table that is drawn again and again: rows are known by a key and keep their elements, so that the focus stays where it is.

import { make } from './dom.js';

/**
 * @param {HTMLTableElement} table
 * @param {object} how
 * @param {string} how.caption
 * @param {{title: string, text: (row: object) => string, isNumber?: boolean, isFew?: boolean, sort?: (row: object) => any, fill?: (cell: HTMLElement, row: object) => void}[]} how.columns the first has the row's heading
 * @param {(row: object) => string} how.key
 */
export function createTable(table, { caption, columns, key }) {
  const rows = new Map();
  let shown = [];
  let sorted = null;
  const body = make('tbody');
  const heads = columns.map((column, index) => {
    const head = make('th', { scope: 'col', className: classes(column) });
    if (!column.sort) {
      head.textContent = column.title;
      return head;
    }

    const button = make('button', { type: 'button', textContent: column.title });
    button.addEventListener('click', () => {
      sorted = { index, isDown: sorted?.index === index && !sorted.isDown };
      heads.forEach((other, i) => i === index ? other.setAttribute('aria-sort', sorted.isDown ? 'descending' : 'ascending') : other.removeAttribute('aria-sort'));
      show(shown);
    });
    head.append(button);
    return head;
  });
  table.append(make('caption', { textContent: caption }), make('thead', {}, make('tr', {}, ...heads)), body);

  function show(data) {
    shown = data;
    const ordered = [...data];
    if (sorted) {
      const { sort } = columns[sorted.index];
      ordered.sort((one, other) => (sort(one) < sort(other) ? -1 : sort(one) > sort(other) ? 1 : 0) * (sorted.isDown ? -1 : 1));
    }

    const keys = new Set(ordered.map(key));
    for (const [known, row] of rows) {
      if (keys.has(known)) continue;
      row.remove();
      rows.delete(known);
    }

    ordered.forEach((entry, index) => {
      let row = rows.get(key(entry));
      if (!row) rows.set(key(entry), row = make('tr', {}, ...columns.map((column, i) => make(i === 0 ? 'th' : 'td', { className: classes(column), ...i === 0 && { scope: 'row' } }))));
      columns.forEach((column, i) => {
        if (column.fill) column.fill(row.children[i], entry);
        else if (row.children[i].textContent !== column.text(entry)) row.children[i].textContent = column.text(entry);
      });
      // A row that is moved loses the focus that is in it.
      if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
    });
  }

  return { show };
}

const classes = ({ isNumber, isFew }) => `${isNumber ? 'number ' : ''}${isFew ? 'few' : ''}`.trim();
