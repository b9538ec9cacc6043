// One Chromium for the tests of a file; a page of it that remembers what went wrong.
import { chromium } from 'playwright-core';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });

// A page at `address` with `faults`: what was written to the console or thrown, and every request
// for something that is not in the file itself.
export async function open(browser, address, { width = 1280, dark = false } = {}) {
  const page = await browser.newPage({
    viewport: { width, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
  });
  const faults = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', error => faults.push(String(error)));
  page.on('request', request => {
    const url = request.url();
    if (url.split('#')[0] !== address && !url.startsWith('data:')) faults.push(`asks for ${url}`);
  });
  await page.goto(address);
  return { page, faults };
}

// Whether the page is wider than its window: then a reader moves the whole page sideways.
export const overflows = page =>
  page.evaluate(() => document.scrollingElement.scrollWidth > window.innerWidth);

// How much lighter text is than what it stands on, by WCAG 2: 4.5 is readable.
export const contrast = (page, selector) =>
  page.locator(selector).first().evaluate(element => {
    const channels = color => color.match(/[\d.]+/g).slice(0, 3).map(Number);
    const light = color => {
      const linear = c => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      const [r, g, b] = channels(color).map(linear);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let under = element;
    const clear = at => getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)';
    while (under.parentElement && clear(under)) under = under.parentElement;
    const pair = [getComputedStyle(element).color, getComputedStyle(under).backgroundColor].map(light);
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
