// Tables that a click on a heading sorts and words filter: in a report and in a view.
'use strict';

const isBlank = value => value === null || ['', '-', '\u2013', '\u2014', '\u2212', 'n/a'].includes(value);

// The number that a cell is, or begins with behind the mark of the best; NaN if there is none.
function numberOf(value) {
  if (typeof value === 'number') return value;
  const found = /^(?:>\s*)?([-+\u2212]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/i.exec(value);
  return found ? Number(found[1].replace('\u2212', '-')) : NaN;
}

// Whether all that a column has are numbers.
function isNumeric(values) {
  const filled = values.filter(value => !isBlank(value));
  return filled.length > 0 && filled.every(value => !Number.isNaN(numberOf(value)));
}

// Numbers as numbers, text as people sort it; what is blank comes last either way.
function inOrder(a, b, numeric, falling) {
  if (isBlank(a) || isBlank(b)) return isBlank(a) - isBlank(b);
  const order = numeric
    ? numberOf(a) - numberOf(b)
    : String(a).localeCompare(String(b), undefined, { numeric: true });
  return falling ? -order : order;
}

// Calls `sort(column, falling)` when a heading is clicked, or chosen by a key.
function sortable(headings, sort) {
  headings.forEach((heading, column) => {
    const chosen = () => {
      const falling = heading.getAttribute('aria-sort') === 'ascending';
      for (const other of headings) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
      sort(column, falling);
    };
    heading.tabIndex = 0;
    heading.addEventListener('click', chosen);
    heading.addEventListener('keydown', event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      chosen();
    });
  });
}

// Whether a text has all words of an input.
function hasWords(input, text) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every(word => text.toLowerCase().includes(word));
}
