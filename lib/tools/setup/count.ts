/** How many tests passed and failed, from the JUnit report of `deno test`. */

/** Numbers of individual tests (`it`s). */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts the leaves of a JUnit report. Deno lists a suite beside its tests, named by a common beginning
 * (`suite`, `suite > test`); a suite counts only when it failed by itself (a leak, a hook), not through
 * a test in it.
 */
export function countTests(junit: string): Count {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const [, file] of junit.matchAll(/<testsuite name="[^"]*"[^>]*>([\s\S]*?)<\/testsuite>/g)) {
    const cases = [
      ...file.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g),
    ];
    const parents = new Set(cases.flatMap(([, name]) => ancestors(name)));
    for (const [, name, body = ""] of cases) {
      const failed = body.includes("<failure");
      const throughStep = /<failure message="\d+ test steps? failed/.test(body);
      if (parents.has(name) && (!failed || throughStep)) continue;
      if (failed) count.failed++;
      else if (body.includes("<skipped")) count.skipped++;
      else count.passed++;
    }
  }
  return count;
}

function ancestors(name: string): string[] {
  const parts = name.split(" &gt; ");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join(" &gt; "));
}
