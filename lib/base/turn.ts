/** Turns of the event loop, which long work has to leave. @module */

/**
 * Lets the event loop take one turn: timers, signals and queued output have theirs. Waiting for a file alone is none: it is
 * ready at once, and the runtime looks for signals only every few dozen such waits, so that Ctrl-C was heard minutes later
 * where a step takes a second.
 */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
