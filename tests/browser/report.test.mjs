// The report of a study: sorting, filtering, links, both widths, both schemes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { contrast, launch, open, overflows } from './browser.mjs';

const folder = process.env.PAGES;
const address = pathToFileURL(`${folder}/study/report.html`).href;
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const table = page => page.locator('.table').first();
// The cells of one column in the order they stand, group by group, without rows that stay last.
const column = (page, heading) => table(page).evaluate((box, heading) => {
  const names = [...box.querySelectorAll('thead th')].map(th => th.textContent.trim());
  const at = names.indexOf(heading);
  const groups = [[]];
  for (const row of box.querySelectorAll('tbody tr')) {
    if (row.classList.contains('group')) groups.push([]);
    else if (!row.classList.contains('last') && !row.hidden) groups.at(-1).push(row.cells[at].textContent.trim());
  }
  return groups.filter(group => group.length);
}, heading);
const click = (page, heading) => table(page).locator('thead th', { hasText: heading }).first().click();
const number = cell => Number(/[-\u2212]?\d[\d.e+-]*/i.exec(cell)[0].replace('\u2212', '-'));
const sign = (cells, way) => cells.every((cell, i) => i === 0 || way * (number(cell) - number(cells[i - 1])) >= 0);

describe('the report', () => {
  for (const width of [1280, 390]) {
    test(`${width} pixels wide`, async () => {
      const { page, faults } = await open(browser, address, { width });
      await page.screenshot({ path: `${folder}/report-${width}.png` });
      assert.equal(await overflows(page), false);
      for (const folded of await page.locator('details').all()) {
        await folded.evaluate(details => { details.open = true; });
      }
      assert.equal(await overflows(page), false, 'with everything unfolded');
      await page.screenshot({ path: `${folder}/report-${width}-whole.png`, fullPage: true });
      assert.deepEqual(faults, []);
      await page.close();
    });
  }

  test('a heading sorts the rows of every group, twice the other way', async () => {
    const { page, faults } = await open(browser, address);
    const before = await column(page, 'NFE');
    assert.ok(before.length >= 4, 'a group for each case');
    const heading = table(page).locator('thead th', { hasText: /^Chamfer/ }).first();
    const name = (await heading.textContent()).trim();
    await click(page, name);
    assert.equal(await heading.getAttribute('aria-sort'), 'ascending');
    const rising = await column(page, name);
    assert.ok(rising.every(group => group.length >= 4 && sign(group, 1)), JSON.stringify(rising));
    await click(page, name);
    assert.equal(await heading.getAttribute('aria-sort'), 'descending');
    const falling = await column(page, name);
    assert.ok(falling.every(group => sign(group, -1)), JSON.stringify(falling));
    assert.deepEqual(falling.map(g => [...g].sort()), rising.map(g => [...g].sort()));
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('the keyboard sorts as well', async () => {
    const { page } = await open(browser, address);
    await table(page).locator('thead th', { hasText: 'NFE' }).first().focus();
    await page.keyboard.press('Enter');
    assert.ok((await column(page, 'NFE')).every(group => sign(group, 1)));
    await page.keyboard.press(' ');
    assert.ok((await column(page, 'NFE')).every(group => sign(group, -1)));
    await page.close();
  });

  test('a filter leaves the rows with its words, and says how many', async () => {
    const { page, faults } = await open(browser, address);
    const all = (await column(page, 'solver')).flat();
    const filter = page.locator('.filter').first();
    const room = await filter.locator('input').evaluate(input => {
      const style = getComputedStyle(input), context = document.createElement('canvas').getContext('2d');
      context.font = style.font;
      const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
      return input.clientWidth - padding - context.measureText(input.placeholder).width;
    });
    assert.ok(room >= 0, `what the box is for has room in it: ${room}`);
    await filter.locator('input').fill('HEUN vp');
    const left = await column(page, 'solver');
    assert.ok(left.flat().length > 0 && left.flat().every(cell => cell.includes('heun')));
    assert.equal(left.length, 2, 'the exact and the trained field on vp');
    assert.match(await filter.textContent(), new RegExp(`${left.flat().length} of ${all.length} rows`));
    await click(page, 'NFE');
    assert.deepEqual((await column(page, 'solver')).flat().length, left.flat().length, 'sorted, still filtered');
    await filter.locator('input').fill('nothing has this');
    assert.equal((await column(page, 'solver')).flat().length, 0);
    assert.equal(await table(page).locator('tbody tr:visible').count(), 0, 'nor a heading');
    await filter.locator('input').fill('');
    assert.deepEqual((await column(page, 'solver')).flat().sort(), all.sort());
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('a row leads to its picture, folded or not', async () => {
    const { page, faults } = await open(browser, address);
    const targets = await page.locator('.table a[href^="#"]').evaluateAll(all => all.map(a => a.getAttribute('href')));
    assert.ok(targets.length > 0);
    for (const target of new Set(targets)) {
      await page.locator(`.table a[href="${target}"]`).first().click();
      const figure = page.locator(`[id="${decodeURIComponent(target.slice(1))}"]`);
      assert.equal(await figure.count(), 1, `${target} is one figure`);
      await figure.waitFor({ state: 'visible', timeout: 2000 });
      const shown = await figure.evaluate(f => f.getBoundingClientRect().top < window.innerHeight);
      assert.ok(shown, `${target} is in sight`);
    }
    assert.deepEqual(faults, []);
    await page.close();
  });

  for (const dark of [false, true]) {
    test(`text is readable on ${dark ? 'dark' : 'light'} paper`, async () => {
      const { page } = await open(browser, address, { dark });
      const words = ['h1', 'main p', 'thead th', 'tbody td', 'td.highlight', 'tr.group th', 'tr.last td', 'a', '.filter span'];
      for (const selector of words) {
        const ratio = await contrast(page, selector);
        assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
      }
      const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(Number(paper.match(/\d+/)[0]) < 64, dark);
      await page.screenshot({ path: `${folder}/report-${dark ? 'dark' : 'light'}.png`, fullPage: true });
      await page.close();
    });
  }
});
