/**
 * `describe` and `it` over `Deno.test`, for machines that cannot reach JSR: the part of
 * `jsr:@std/testing/bdd` that this project's tests use, with the same shape in the report (a test for each
 * outermost `describe`, a step for each inner `describe` and `it`). `node:test` would do, but Deno runs it
 * without sanitizers.
 */

type Body = () => void | Promise<void>;
type Hook = "before" | "after" | "beforeEach" | "afterEach";

interface Suite extends Record<Hook, Body[]> {
  readonly steps: Deno.TestStepDefinition[];
  readonly outer?: Suite;
}

/** The suite whose body is being read. */
let open: Suite | undefined;

function add(step: Deno.TestStepDefinition): void {
  if (open) open.steps.push(step);
  else Deno.test(step);
}

function newSuite(name: string, ignore = false): Suite {
  const suite: Suite = {
    ...{ before: [], after: [], beforeEach: [], afterEach: [] },
    steps: [],
    outer: open,
  };
  const fn = async (t: Deno.TestContext) => {
    try {
      await each(suite.before);
      for (const step of suite.steps) await t.step(step);
    } finally {
      await each(suite.after);
    }
  };
  add({ name, ignore, fn });
  return suite;
}

async function each(hooks: readonly Body[]): Promise<void> {
  for (const hook of hooks) await hook();
}

/** Hooks of every enclosing suite, outermost first. */
const inherited = (suite: Suite | undefined, hook: Hook): Body[] =>
  suite ? [...inherited(suite.outer, hook), ...suite[hook]] : [];

function declareSuite(name: string, body: () => void, ignore: boolean): void {
  const suite = newSuite(name, ignore);
  open = suite;
  try {
    body();
  } finally {
    open = suite.outer;
  }
}

function declareTest(name: string, body: Body, ignore: boolean): void {
  const suite = open;
  const fn = async () => {
    try {
      await each(inherited(suite, "beforeEach"));
      await body();
    } finally {
      await each(inherited(suite, "afterEach").reverse());
    }
  };
  add({ name, ignore, fn });
}

/** Outside every `describe`, a hook opens a suite around the rest of the file, as in @std/testing. */
const hook = (kind: Hook) => (body: Body): void => {
  open ??= newSuite("global");
  open[kind].push(body);
};

const withSkip = <B>(declare: (name: string, body: B, ignore: boolean) => void) =>
  Object.assign((name: string, body: B) => declare(name, body, false), {
    skip: (name: string, body: B) => declare(name, body, true),
  });

/** A group of tests. */
export const describe = withSkip(declareSuite);
/** A test. */
export const it = withSkip(declareTest);

/** Run once before or after the tests of the enclosing `describe`, or around each of them. */
export const before = hook("before");
export const after = hook("after");
export const beforeEach = hook("beforeEach");
export const afterEach = hook("afterEach");
