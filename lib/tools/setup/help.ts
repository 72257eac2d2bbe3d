/**
 * Help of the tasks that have to run before any package is there: prints it and ends the process where `--help` is
 * asked for.
 */
export function helpAsked(task: string, does: string): void {
  if (!Deno.args.includes("--help") && !Deno.args.includes("-h")) return;
  console.log(`Example:\n  deno task ${task}\n\n${does}`);
  Deno.exit(0);
}
