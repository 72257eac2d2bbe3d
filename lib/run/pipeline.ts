import type { RunConfig } from "./config.ts";
import type { Stage, StageContext } from "./stage.ts";

/** A stage of `deno task align`. */
export type RunStage = Stage<Readonly<RunConfig>>;

/** What such a stage works with. */
export type RunContext = StageContext<Readonly<RunConfig>>;
