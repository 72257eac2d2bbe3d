/** A headless Chromium without network, for figures and pages in print. */
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "../base/error.ts";

const MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/** What may be there to draw with; `deno.json` allows these to the tasks that draw. */
export function browsersOf(os: typeof Deno.build.os): string[] {
  return ["chromium", "chromium-browser", "google-chrome", ...os === "darwin" ? [MAC] : []];
}

/** How to get one. */
export function browserRemedy(os: typeof Deno.build.os): string {
  return os === "darwin"
    ? "install Google Chrome in /Applications (brew install --cask google-chrome) and run again"
    : "install it (Debian and Ubuntu: apt-get install chromium fonts-dejavu-core) and run again";
}

/** Chromium's own time for one page is virtual; this is for a Chromium that hangs. */
const PATIENCE_MS = 180_000;

/** A folder for a Chromium to work in, below the checkout, so that a command need not be allowed to write elsewhere. */
export async function temporaryFolder(): Promise<string> {
  const dir = fileURLToPath(new URL("../../.engine", import.meta.url));
  await Deno.mkdir(dir, { recursive: true });
  return await Deno.makeTempDir({ dir, prefix: "figures-" });
}

/**
 * Runs the first Chromium there is.
 *
 * @param args Options, the path of the page last.
 * @param folder Takes its profile.
 * @returns what it prints
 * @throws {UserError} if there is no Chromium, or it fails
 */
export async function runChromium(args: readonly string[], folder: string): Promise<string> {
  const [path, ...options] = args.toReversed();
  let failure = "";
  for (const browser of browsersOf(Deno.build.os)) {
    try {
      const { success, stdout, stderr } = await new Deno.Command(browser, {
        // deno-fmt-ignore
        args: [
          "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          `--user-data-dir=${folder}/profile`, ...options.toReversed(), pathToFileURL(path).href,
        ],
        stdout: "piped",
        stderr: "piped",
        signal: AbortSignal.timeout(PATIENCE_MS),
      }).output();
      if (success) return new TextDecoder().decode(stdout);
      failure = new TextDecoder().decode(stderr).trim().split("\n").at(-1) || "no message";
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new UserError(
    failure ? `Chromium could not draw: ${failure}` : "there is no Chromium to draw with",
    browserRemedy(Deno.build.os),
  );
}

/** A page of HTML as PDF, its sheets as its own style says. @throws {UserError} as {@linkcode runChromium} does */
export async function printedPage(html: string): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await temporaryFolder();
  try {
    const [page, pdf] = [`${folder}/page.html`, `${folder}/page.pdf`];
    await Deno.writeTextFile(page, html);
    await runChromium(["--no-pdf-header-footer", `--print-to-pdf=${pdf}`, page], folder);
    return await Deno.readFile(pdf);
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}
