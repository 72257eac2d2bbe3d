/**
 * Help of the tasks that have to run before any package is there: prints it and ends the process where `--help` is
 * asked for, and ends it with an error at a word that the task does not take.
 *
 * @param takes The words that it takes; null: any. @default none
 */
export function helpAsked(
  task: string,
  does: string,
  { takes = [] }: { takes?: readonly string[] | null } = {},
): void {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    console.log(`Example:\n  deno task ${task}\n\n${does}`);
    Deno.exit(0);
  }
  const unknown = Deno.args.find((word) => takes !== null && !takes.includes(word));
  if (unknown === undefined) return;
  console.error(`error: unknown word '${unknown}'\n  -> see deno task ${task} --help`);
  Deno.exit(1);
}
