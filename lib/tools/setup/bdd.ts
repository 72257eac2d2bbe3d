/**
 * `describe` and `it` over `Deno.test`, for machines that cannot reach JSR: the part of
 * `jsr:@std/testing/bdd` that this project's tests use, with the same shape in the report (a test for each
 * outermost `describe`, a step for each inner `describe` and `it`). `node:test` would do, but Deno runs it
 * without sanitizers.
 */

type Body = () => void | Promise<void>;

interface Suite {
  readonly hooks: Record<"before" | "after" | "beforeEach" | "afterEach", Body[]>;
  readonly children: {
    name: string;
    ignore: boolean;
    run: (t: Deno.TestContext) => Promise<void>;
  }[];
  readonly outer?: Suite;
}

let open: Suite | undefined;

function newSuite(outer?: Suite): Suite {
  return { hooks: { before: [], after: [], beforeEach: [], afterEach: [] }, children: [], outer };
}

/** Outside every `describe`, a hook opens a suite around the rest of the file, as in @std/testing. */
function hook(kind: keyof Suite["hooks"], body: Body): void {
  if (!open) {
    open = newSuite();
    Deno.test({ name: "global", fn: suiteRunner(open) });
  }
  open.hooks[kind].push(body);
}

async function each(hooks: readonly Body[]): Promise<void> {
  for (const hook of hooks) await hook();
}

/** Hooks of every enclosing suite, outermost first. */
function inherited(suite: Suite | undefined, kind: "beforeEach" | "afterEach"): Body[] {
  return suite ? [...inherited(suite.outer, kind), ...suite.hooks[kind]] : [];
}

function suiteRunner(suite: Suite): (t: Deno.TestContext) => Promise<void> {
  return async (t) => {
    try {
      await each(suite.hooks.before);
      for (const { name, ignore, run } of suite.children) await t.step({ name, ignore, fn: run });
    } finally {
      await each(suite.hooks.after);
    }
  };
}

function declareSuite(name: string, body: () => void, ignore: boolean): void {
  const outer = open;
  const suite = newSuite(outer);
  open = suite;
  try {
    body();
  } finally {
    open = outer;
  }
  const run = suiteRunner(suite);
  if (outer) outer.children.push({ name, ignore, run });
  else Deno.test({ name, ignore, fn: run });
}

function declareTest(name: string, body: Body, ignore: boolean): void {
  const suite = open;
  const run = async () => {
    try {
      await each(inherited(suite, "beforeEach"));
      await body();
    } finally {
      await each(inherited(suite, "afterEach").reverse());
    }
  };
  if (suite) suite.children.push({ name, ignore, run });
  else Deno.test({ name, ignore, fn: run });
}

/** A group of tests. */
export const describe = Object.assign(
  (name: string, body: () => void) => declareSuite(name, body, false),
  { skip: (name: string, body: () => void) => declareSuite(name, body, true) },
);

/** A test. */
export const it = Object.assign(
  (name: string, body: Body) => declareTest(name, body, false),
  { skip: (name: string, body: Body) => declareTest(name, body, true) },
);

/** Runs once before the tests of the enclosing `describe`. */
export const before = (body: Body): void => hook("before", body);
/** Runs once after the tests of the enclosing `describe`. */
export const after = (body: Body): void => hook("after", body);
/** Runs before each test of the enclosing `describe`. */
export const beforeEach = (body: Body): void => hook("beforeEach", body);
/** Runs after each test of the enclosing `describe`. */
export const afterEach = (body: Body): void => hook("afterEach", body);
