import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The rooms of `lib`, the highest first, with what is in each. A file may import from its room and those below. */
export const ROOMS = {
  cli: "one file per command",
  lab: "the order desk and the study of the paper's claims in it",
  tools: "set-up, speed against PyTorch, notebooks without a browser",
  benchmark: "MT-Bench, Vicuna, AlpacaEval, GSM8K",
  engine: "the same run on servers and trainers elsewhere",
  judges: "every judge by name",
  show: "figures, and what notebooks display with",
  run: "settings, run folder, stages",
  measure: "numbers with their intervals",
  method: "SELF-JUDGE",
  preference: "preference pairs and their files",
  text: "text to tokens and back",
  model: "the language model, its weights and adapters",
  tensor: "tensors, gradients, optimizers",
  base: "files, errors, random numbers",
} as const;

/** Files below `lib`, such as `method/judge.ts`, and what each imports. */
export type Imports = ReadonlyMap<string, readonly string[]>;

const ROOT = join(import.meta.dirname!, "..");

/** The imports of a folder's files as Deno's own parser sees them: of types too, and those by `import()`. */
export async function importsOf(folder = join(ROOT, "lib")): Promise<Imports> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name)).map((name) => join(folder, name)).sort();
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import ${JSON.stringify(String(pathToFileURL(file)))};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-lock", "--config", join(ROOT, "deno.json"), entry],
      env: { NO_COLOR: "1" },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
    const name = (specifier: string) => relative(folder, fileURLToPath(specifier));
    const inside = (specifier?: string): specifier is string =>
      specifier?.startsWith(`${pathToFileURL(folder)}/`) ?? false;
    const found = modules.filter(({ specifier }) => inside(specifier)).map((module) => {
      const targets = module.dependencies?.flatMap(({ code, type }) => [code, type]) ?? [];
      const local = targets.map((target) => target?.specifier).filter(inside).map(name);
      return [name(module.specifier), [...new Set(local)].sort()] as const;
    });
    return new Map(found.sort(([one], [other]) => one < other ? -1 : 1));
  } finally {
    await Deno.remove(entry);
  }
}

/** What is used of a module in the output of `deno info --json`. */
interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** What is wrong, a line for each fault with the files named: files in no room, arrows up, circles. */
export function faults(imports: Imports, rooms: readonly string[] = Object.keys(ROOMS)): string[] {
  const rank = (file: string) => rooms.indexOf(roomOf(file));
  const files = [...imports.keys()];
  const homeless = files.filter((file) => rank(file) < 0);
  const up = arrows(imports).filter(([from, to]) =>
    rank(from) >= 0 && rank(to) >= 0 && rank(to) < rank(from)
  );
  return [
    ...homeless.map((file) => `${file} is in no room`),
    ...up.map(([from, to]) => `${from} imports ${to}, which is in a room above`),
    ...circles(imports).map((circle) => `a circle: ${[...circle, circle[0]].join(" -> ")}`),
  ];
}

/** How many files of one room import from another: rows to paste into a table. */
export function arrowsBetweenRooms(
  imports: Imports,
): { from: string; to: string; arrows: number }[] {
  const counts = new Map<string, number>();
  for (const [from, to] of arrows(imports)) {
    const key = `${roomOf(from)} ${roomOf(to)}`;
    if (roomOf(from) !== roomOf(to)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, arrows]) => {
    const [from, to] = key.split(" ");
    return { from, to, arrows };
  });
}

const roomOf = (file: string) => file.includes("/") ? file.split("/")[0] : "";

const arrows = (imports: Imports): [string, string][] =>
  [...imports].flatMap(([from, targets]) => targets.map((to): [string, string] => [from, to]));

/** A shortest circle through each file that is in one, each circle once, from its first file by name. */
function circles(imports: Imports): string[][] {
  const found = new Map<string, string[]>();
  for (const file of imports.keys()) {
    const circle = shortestWayBack(imports, file);
    if (circle === null) continue;
    const start = circle.indexOf([...circle].sort()[0]);
    const turned = [...circle.slice(start), ...circle.slice(0, start)];
    found.set(turned.join(" "), turned);
  }
  return [...found.values()];
}

function shortestWayBack(imports: Imports, file: string): string[] | null {
  const seen = new Set<string>();
  const ways: string[][] = [[file]];
  for (const way of ways) {
    for (const next of imports.get(way.at(-1)!) ?? []) {
      if (next === file) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]); // for-of sees what is added: breadth first
    }
  }
  return null;
}

/** The rooms as a table in Markdown: what is in each, its files, and the arrows to the rooms below it. */
export function roomTable(imports: Imports): string {
  const all = arrowsBetweenRooms(imports);
  const rows = Object.entries(ROOMS).map(([room, what]) => {
    const files = [...imports.keys()].filter((file) => roomOf(file) === room).length;
    const down = Object.keys(ROOMS).flatMap((to) =>
      all.filter((row) => row.from === room && row.to === to).map((row) => `${to} ${row.arrows}`)
    );
    return `| ${room} | ${what} | ${files} | ${down.join(", ") || "none"} |`;
  });
  return ["| room | what is in it | files | imports |", "|---|---|---|---|", ...rows].join("\n");
}

// For a note: deno run -A tests/rooms.ts
if (import.meta.main) {
  const imports = await importsOf();
  console.log(roomTable(imports));
  for (const fault of faults(imports)) console.log(fault);
}
