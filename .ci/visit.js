/**
 * Opens a page and reports its outcome; run by `chromium.ts`.
 *
 * @module
 */
export default async function visit(browser, { address, outcome, seconds = 600, screenshot }) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(address);
  const handle = await page.waitForFunction(outcome, null, {
    timeout: 1000 * seconds,
    polling: 50,
  }).catch((error) => {
    throw new Error([...errors, error.message].join("\n"));
  });
  if (screenshot !== undefined) await page.screenshot({ path: screenshot, fullPage: true });
  return await handle.jsonValue();
}
