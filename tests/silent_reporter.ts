import type { Reporter } from "../lib/run/stage.ts";

/** A reporter that shows nothing. @param stopAfter Steps after which it asks for a stop. @default none */
export function silentReporter(stopAfter = Infinity): Reporter {
  let steps = 0;
  return {
    log() {},
    progress: () => ({
      update() {
        steps++;
      },
      finish() {},
    }),
    stopping: () => steps >= stopAfter,
  };
}
