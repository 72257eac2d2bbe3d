/** A notebook's text as Deno formats it: markdown cells and code cells. */
import { ROOT } from "../setup/places.ts";

/**
 * Formats the text of a notebook. It is piped through the formatter, since Deno 2.9.6's `fmt --check` calls every
 * notebook unformatted that its cache has not seen.
 */
export async function formatted(text: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "-", "--ext", "ipynb"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await command.output()).stdout);
}
