// The pages of `driftfield view`: a slider over time, zoom, the rows of a study.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch, open, overflows } from './browser.mjs';

const folder = process.env.PAGES;
const address = name => pathToFileURL(`${folder}/${name}.html`).href;
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// What is on the canvas, to be compared with itself.
const drawn = page => page.locator('canvas').first().evaluate(canvas => canvas.toDataURL());
const slide = (page, to) => page.locator('input[type=range]').evaluate((range, to) => {
  range.value = to === 'end' ? range.max : to;
  range.dispatchEvent(new Event('input'));
}, to);

describe('a look', () => {
  for (const name of ['points', 'images', 'rows']) {
    for (const width of [1280, 390]) {
      test(`${name}, ${width} pixels wide`, async () => {
        const { page, faults } = await open(browser, address(name), { width });
        assert.equal(await overflows(page), false);
        await page.screenshot({ path: `${folder}/view-${name}-${width}.png` });
        assert.deepEqual(faults, []);
        await page.close();
      });
    }
    test(`${name}: the wheel zooms, and "all" goes back`, async () => {
      const { page, faults } = await open(browser, address(name));
      const whole = await drawn(page);
      await page.locator('canvas').first().hover();
      await page.mouse.wheel(0, -400);
      await page.waitForTimeout(100);
      assert.notEqual(await drawn(page), whole);
      await page.locator('button', { hasText: /^all$/ }).click();
      assert.equal(await drawn(page), whole);
      assert.deepEqual(faults, []);
      await page.close();
    });
  }

  for (const name of ['points', 'images']) {
    test(`${name}: the slider moves through time, and "play" to its end`, async () => {
      const { page, faults } = await open(browser, address(name));
      const start = await drawn(page);
      await slide(page, 'end');
      const end = await drawn(page);
      assert.notEqual(end, start);
      await slide(page, 0);
      assert.equal(await drawn(page), start);
      await page.locator('button', { hasText: 'play' }).click();
      await page.waitForFunction(() => {
        const range = document.querySelector('input[type=range]');
        return range.value === range.max;
      }, undefined, { timeout: 20000 });
      await page.waitForTimeout(200);
      assert.equal(await drawn(page), end);
      assert.deepEqual(faults, []);
      await page.close();
    });
  }

  test('rows of a study are sorted and filtered, and the curves with them', async () => {
    const { page, faults } = await open(browser, address('rows'));
    const rows = page.locator('tbody tr');
    const all = await rows.count();
    const curves = await drawn(page);
    await page.locator('input[type=search]').fill('euler');
    assert.ok(await rows.count() < all && await rows.count() > 0);
    assert.notEqual(await drawn(page), curves);
    await page.locator('input[type=search]').fill('');
    assert.equal(await rows.count(), all);
    const headings = await page.locator('thead th').allTextContents();
    const at = headings.findIndex(name => name.startsWith('nfe'));
    const values = () => rows.evaluateAll((all, at) => all.map(row => Number(row.cells[at].textContent)), at);
    await page.locator('thead th').nth(at).click();
    const rising = await values();
    assert.deepEqual(rising, [...rising].sort((a, b) => a - b));
    await page.locator('thead th').nth(at).click();
    assert.deepEqual(await values(), [...rising].sort((a, b) => b - a));
    assert.deepEqual(faults, []);
    await page.close();
  });
});
