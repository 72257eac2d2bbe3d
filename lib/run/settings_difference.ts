/**
 * What differs between two identities of a stage, a line a setting.
 *
 * @param before As `RunFolder.identity` writes them: JSON of [stage, its settings] in order
 */
export function difference(before: string, now: string): string {
  const read = (text: string) =>
    new Map(
      (JSON.parse(text) as [string, Record<string, unknown>][]).flatMap(([stage, config]) =>
        Object.entries(config).flatMap(([section, value]) =>
          Object.entries(typeof value === "object" && value !== null ? value : { "": value })
            .map(([field, v]) =>
              [`${stage}: ${section}${field && "."}${field}`, JSON.stringify(v)] as const
            )
        )
      ),
    );
  const [a, b] = [read(before), read(now)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => `  ${key} was ${a.get(key) ?? "absent"}, is now ${b.get(key) ?? "absent"}`)
    .join("\n");
}

type Chain = readonly (readonly [stage: string, settings: Record<string, unknown>])[];
type Contents = Readonly<Record<string, string>> | undefined;

/**
 * Two identities of a stage without the contents of files that only one of them knows: a file may be gone since, and runs of
 * before have none.
 *
 * @param before As `RunFolder.chain` writes them
 */
export function comparable(before: string, now: string): [before: string, now: string] {
  const [a, b] = [before, now].map((text) => JSON.parse(text) as Chain);
  return [known(a, b), known(b, a)];
}

function known(chain: Chain, other: Chain): string {
  const others = new Map(other);
  return JSON.stringify(chain.map(([stage, { contents, ...settings }]) => {
    const there = others.get(stage)?.contents as Contents;
    const both = Object.entries(contents as Contents ?? {})
      .filter(([name]) => there !== undefined && name in there);
    return [stage, { ...settings, ...(both.length > 0 && { contents: Object.fromEntries(both) }) }];
  }));
}

/** Every text among settings, however deep. */
export function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
