// The tables of a report, of which every group is sorted and filtered by itself, and links to pictures
// that are folded. Behind table.js.
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

  sortable(headings, (column, falling) => {
    const numeric = isNumeric(every.map(row => text(row, column)));
    for (const group of groups) {
      group.rows.sort((a, b) => inOrder(text(a, column), text(b, column), numeric, falling));
      if (group.heading) body.append(group.heading);
      body.append(...group.rows, ...group.last);
    }
  });

  const input = document.createElement('input');
  input.type = 'search';
  input.placeholder = 'words that rows must have';
  const count = document.createElement('span');
  function filter() {
    let left = 0;
    for (const group of groups) {
      const about = group.heading ? group.heading.cells[0].firstChild.textContent + ' ' : '';
      const cells = row => [...row.cells].map(cell => cell.textContent).join(' ');
      const has = row => hasWords(input, about + cells(row));
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
