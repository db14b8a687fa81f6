// Opens the tab in Firefox as a person does, and prints what is there as JSON.
// Playwright drives only builds of Firefox of its own; this drives the one that people have.
import puppeteer from "puppeteer-core";

const [, , executablePath, url] = process.argv;
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1400, height: 900 });
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(`${url}#lr_finder`);
  const element = await page.waitForSelector("iframe[src*='plugin_entry.html?name=lr_finder']");
  const frame = await element.contentFrame();
  const chart = await frame.waitForSelector("[data-testid=loss-chart]");

  // Focus a run, and read its curve under the pointer.
  const row = await frame.waitForSelector(".rows li button");
  const run = await row.evaluate((node) => node.title);
  await row.click();
  const suggested = await frame.waitForSelector("[data-testid=suggested-lr]");
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const tooltip = await frame.waitForSelector(".tooltip");
  const read = await tooltip.evaluate((node) => node.textContent);

  // Drag a zoom, and go back.
  const domain = () => chart.evaluate((node) => node.getAttribute("data-x-domain"));
  const whole = await domain();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 120, { steps: 5 });
  await page.mouse.up();
  await frame.waitForFunction(
    (before) =>
      document.querySelector("[data-testid=loss-chart]").getAttribute("data-x-domain") !== before,
    {},
    whole,
  );
  const zoomed = await domain();

  // The host writes the link a moment after the view has changed.
  await page.waitForFunction(() =>
    decodeURIComponent(location.href).includes("p.lr_finder.focus="),
  );

  const inked = await frame.$eval("[data-testid=loss-canvas]", (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count += 1;
    return count;
  });
  console.log(
    JSON.stringify({
      agent: await browser.version(),
      suggested: await suggested.evaluate((node) => node.textContent),
      run,
      tooltip: read,
      whole: JSON.parse(whole),
      zoomed: JSON.parse(zoomed),
      inked,
      link: await page.evaluate(() => location.href),
      errors,
    }),
  );
} finally {
  await browser.close();
}
