/** Pages in headless Chromium, for tests: a script is run in the page and its result comes back. */
import { it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

const browser = await (async () => {
  for (const name of BROWSERS) {
    const found = await new Deno.Command(name, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    })
      .output().catch(() => null);
    if (found?.success) return name;
  }
  return null;
})();

/** `it` where there is a Chromium; else says what is missing and skips. */
export function itInChromium(name: string, test: () => Promise<void>): void {
  if (browser !== null) return void it(name, test);
  it.skip(`${name} (install chromium)`, test);
}

/**
 * Opens a page as a file, runs `script` (the body of an async function) in it once it has loaded and
 * gives what that returns, by way of JSON. No host name resolves: a page that needs the network fails.
 *
 * @param hash Fragment of the address.
 */
export async function inPage<T>(
  html: string,
  script: string,
  { hash = "", args = [] }: { hash?: string; args?: readonly string[] } = {},
): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "page-" });
  const probe = `<script>
addEventListener("load", async () => {
  const pre = Object.assign(document.createElement("pre"), { id: "probe" });
  try {
    const value = await (async () => { ${script.replaceAll("</script", "<\\/script")} })();
    pre.textContent = encodeURIComponent(JSON.stringify({ value }));
  } catch (error) {
    pre.textContent = encodeURIComponent(JSON.stringify({ error: String(error?.stack ?? error) }));
  }
  document.body.append(pre);
});
</script></body>`;
  try {
    await Deno.writeTextFile(`${folder}/page.html`, html.replace("</body>", () => probe));
    const { stdout, stderr } = await new Deno.Command(browser!, {
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        `--user-data-dir=${folder}/profile`,
        "--virtual-time-budget=20000",
        ...args,
        "--dump-dom",
        `${pathToFileURL(`${folder}/page.html`)}${hash}`,
      ],
      stdout: "piped",
      stderr: "piped",
    }).output();
    const dom = new TextDecoder().decode(stdout);
    const found = /<pre id="probe">([^<]*)<\/pre>/.exec(dom);
    assert.ok(found, `the page gave nothing: ${new TextDecoder().decode(stderr).slice(-500)}`);
    const { value, error } = JSON.parse(decodeURIComponent(found[1]));
    assert.equal(error, undefined);
    return value;
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}
