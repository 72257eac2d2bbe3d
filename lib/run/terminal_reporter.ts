import { clearLine, duration, printLine, Progress, progressLine } from "../base/progress.ts";
import { type ProgressState, rewriteLine } from "../base/progress.ts";
import type { Reporter } from "./stage.ts";

/** The stage that runs. */
interface Running {
  /** "[2/6] jsft": what its line begins with. */
  readonly label: string;
  readonly name: string;
  readonly title: string;
  /** Whether it said something, so that its title stands above. */
  told: boolean;
  /** How far its last piece of work came. */
  last?: ProgressState;
}

/**
 * Speaks to a terminal. A stage has one line, which is written over while it runs; one that has more to say gets its
 * title above that. Where the output is no terminal, a line a minute says how far the stage is.
 *
 * @param stopping Whether the user asked to stop
 */
export function terminalReporter(stopping: () => boolean): Reporter {
  let running: Running | null = null;

  const log = (line: string) => {
    clearLine();
    if (running?.told === false) {
      running.told = true;
      console.log(`${running.label}: ${running.title}`);
      if (running.last) printLine(`  ${progressLine(running.last, true)}`);
    }
    console.log(line);
  };

  return {
    log,
    stopping,
    progress: (name, options) => {
      if (running === null) return new Progress(name, options);
      if (running.told) return new Progress(`  ${name}`, options);
      const { label, name: stage } = running;
      return new Progress(name === stage ? label : `${label}, ${name}`, {
        ...options,
        end: (state) => {
          if (running?.told === false) running.last = { ...state, name };
          else printLine(`  ${progressLine({ ...state, name }, true)}`);
        },
      });
    },
    stage: ({ name, title, number, of }) => {
      const stage: Running = { label: `[${number}/${of}] ${name}`, name, title, told: false };
      running = stage;
      rewriteLine(`${stage.label}: ${title}`);
      return (seconds) => {
        running = null;
        const { label, last, told } = stage;
        if (told) log(`  ${name} took ${duration(seconds)}`);
        else if (last) printLine(progressLine({ ...last, name: label, elapsed: seconds }, true));
        else printLine(`${label}: ${duration(seconds)}`);
      };
    },
  };
}
