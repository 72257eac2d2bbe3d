/** Installs the packages of a list into an environment and prints its Python, as `deno task engine --install` does. */
import { clusterPython } from "../lib/engine/environment.ts";

const [lists, folder] = Deno.args;
const log = (line: string) => console.error(line);
console.log(await clusterPython({ install: true, log, lists, folder, bytes: 1e6 }));
