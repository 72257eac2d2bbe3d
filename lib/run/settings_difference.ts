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
