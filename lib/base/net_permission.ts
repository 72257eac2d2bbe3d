/**
 * What to say of a request that Deno did not allow; null of one that failed otherwise. What is asked may well be there:
 * this process alone may not go to it.
 */
export function netRefusal(
  url: string,
  cause: unknown,
): { readonly problem: string; readonly remedy: string } | null {
  if (!(cause instanceof Deno.errors.NotCapable)) return null;
  return {
    problem: `Deno was not allowed to go there (${cause.message})`,
    remedy: "allow it when Deno asks, or run the task's command as deno.json has it with " +
      `--allow-net=${new URL(url).host}`,
  };
}
