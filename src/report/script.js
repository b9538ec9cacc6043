// Tables of a report: a click on a heading sorts the rows of every group, a box above filters them.
// A link to a folded picture unfolds it.
'use strict';

// The number that a cell begins with, behind the mark of the best; NaN if it begins with none.
function numberOf(text) {
  const found = /^(?:>\s*)?([-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/i.exec(text);
  return found ? Number(found[1].replace('\u2212', '-')) : NaN;
}

const isBlank = text => ['', '-', '\u2013', '\u2014', '\u2212', 'n/a'].includes(text);

// Numbers as numbers, text as people sort it; what is blank comes last either way.
function compare(a, b, numeric, falling) {
  if (isBlank(a) || isBlank(b)) return isBlank(a) - isBlank(b);
  const order = numeric ? numberOf(a) - numberOf(b) : a.localeCompare(b, undefined, { numeric: true });
  return falling ? -order : order;
}

function interactive(box) {
  const body = box.querySelector('tbody');
  const headings = [...box.querySelectorAll('thead th')];
  // Groups as they stand: a heading, if there is one, rows, and rows that stay last.
  const groups = [{ heading: null, rows: [], last: [] }];
  for (const row of body.rows) {
    if (row.classList.contains('group')) groups.push({ heading: row, rows: [], last: [] });
    else groups[groups.length - 1][row.classList.contains('last') ? 'last' : 'rows'].push(row);
  }
  const text = (row, column) => row.cells[column].textContent.trim();
  const every = groups.flatMap(group => group.rows);

  function sort(column) {
    const heading = headings[column];
    const falling = heading.getAttribute('aria-sort') === 'ascending';
    for (const other of headings) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
    const filled = every.map(row => text(row, column)).filter(value => !isBlank(value));
    const numeric = filled.length > 0 && filled.every(value => !Number.isNaN(numberOf(value)));
    for (const group of groups) {
      group.rows.sort((a, b) => compare(text(a, column), text(b, column), numeric, falling));
      if (group.heading) body.append(group.heading);
      body.append(...group.rows, ...group.last);
    }
  }
  headings.forEach((heading, column) => {
    heading.tabIndex = 0;
    heading.addEventListener('click', () => sort(column));
    heading.addEventListener('keydown', event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      sort(column);
    });
  });

  const input = document.createElement('input');
  input.type = 'search';
  input.placeholder = 'words that rows must have';
  const count = document.createElement('span');
  function filter() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const group of groups) {
      const about = group.heading ? group.heading.cells[0].firstChild.textContent + ' ' : '';
      const has = row => {
        const whole = (about + [...row.cells].map(cell => cell.textContent).join(' ')).toLowerCase();
        return words.every(word => whole.includes(word));
      };
      let shown = 0;
      for (const row of group.rows) {
        row.hidden = !has(row);
        shown += !row.hidden;
      }
      // What stays last says what the rows above are held against.
      for (const row of group.last) row.hidden = shown === 0 && !has(row);
      const any = shown > 0 || group.last.some(row => !row.hidden);
      if (group.heading) group.heading.hidden = !any;
      left += shown;
    }
    count.textContent = ` ${left} of ${every.length} rows`;
  }
  input.addEventListener('input', filter);
  const label = document.createElement('label');
  label.append('Filter ', input, count);
  label.className = 'filter';
  box.before(label);
  filter();
}

// Opens whatever the place that the address names is folded in.
function unfold() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!place) return;
  for (let at = place; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
  place.scrollIntoView();
}

document.querySelectorAll('.table').forEach(interactive);
window.addEventListener('hashchange', unfold);
// A second click on the same link changes no address.
document.addEventListener('click', event => {
  const link = event.target.closest('a[href^="#"]');
  if (link && link.getAttribute('href') === location.hash) unfold();
});
unfold();
