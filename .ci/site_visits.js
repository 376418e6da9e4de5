/**
 * Tests the site in a browser, run by `site_check.ts`: screenshots of pages, and whether they work.
 *
 * @module
 */

const looks = {
  light: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  phone: {
    viewport: { width: 390, height: 844 },
    colorScheme: "light",
    isMobile: true,
    hasTouch: true,
  },
};

/** Opens pages, saves a screenshot of each view, and returns the faults. */
export default async function look(browser, { address, paths, folder }) {
  const faults = [];
  const check = (isTrue, fault) => isTrue || faults.push(fault);
  const open = async (path, options) => {
    const page = await browser.newPage(options);
    page.on("pageerror", (error) => faults.push(`${path}: ${error}`));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(`${path}: ${message.text()}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) faults.push(`${path}: ${response.status()} ${response.url()}`);
    });
    await page.goto(`${address}${path}`, { waitUntil: "networkidle" });
    return page;
  };

  for (const [name, path] of Object.entries(paths)) {
    for (const [look, options] of Object.entries(looks)) {
      const page = await open(path, options);
      await page.screenshot({ path: `${folder}${name}_${look}.png` });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      check(width <= options.viewport.width, `${path}: ${width} pixels wide on a ${look} screen`);
      await page.close();
    }
  }

  // The program on the home page runs.
  const home = await open("", looks.light);
  await home.getByRole("button", { name: "Run", exact: true }).click();
  const output = home.locator(".runnable .output");
  await output.waitFor({ timeout: 30_000 });
  check(
    (await output.textContent()).includes("tensor("),
    "the home page's program prints no tensor",
  );
  await home.evaluate(() => scrollTo(0, 0));
  await home.screenshot({ path: `${folder}home_ran.png`, fullPage: true });
  await home.close();

  // By keyboard: the first tab stops are the link to the content and the navigation.
  const page = await open("api/", looks.light);
  const stops = [];
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ""));
  }
  check(stops[0] === "Skip to content", `the first stop of Tab is ${stops[0]}`);
  check(stops.includes("API"), `Tab does not reach the navigation: ${stops.join(", ")}`);

  // Search, by keyboard alone.
  await page.keyboard.press("Control+k");
  await page.locator("#localsearch-input:focus").waitFor({ timeout: 30_000 });
  await page.keyboard.type("grad");
  await page.locator("#localsearch-list li").first().waitFor({ timeout: 30_000 });
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${folder}search.png` });
  await page.keyboard.press("Enter");
  await page.waitForURL(/transforms.*#grad$/, { timeout: 10_000 })
    .catch(() => faults.push(`the search for grad leads to ${page.url()}`));
  await page.close();

  // On a phone, a button opens the sidebar.
  const phone = await open("api/transforms.html", looks.phone);
  await phone.getByRole("button", { name: "Menu" }).click();
  await phone.locator(".VPSidebar.open").waitFor({ timeout: 10_000 })
    .catch(() => faults.push("the sidebar does not open on a phone"));
  await phone.waitForTimeout(500);
  await phone.screenshot({ path: `${folder}sidebar_phone.png` });
  await phone.close();
  return faults;
}
