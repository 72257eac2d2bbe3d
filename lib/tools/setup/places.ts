/** Where things are in a checkout. */
import { fileURLToPath } from "node:url";

/** Root of this checkout. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** Name of the Jupyter kernel in a notebook's metadata. */
export const KERNEL = "self-judge";

/** All paths absolute. */
export interface Places {
  readonly root: string;
  /** `.engine`, the git-ignored home of everything set-up makes. */
  readonly engine: string;
  /** The tfjs-node package inside node_modules. */
  readonly package: string;
  /** The binding's place inside that package. */
  readonly binding: string;
  /** The Python environment for pip and Jupyter. */
  readonly venv: string;
  /** The interpreter in it. */
  readonly python: string;
  /** Jupyter's kernelspec, settings, runtime files. */
  readonly jupyter: string;
}

/** The places of a checkout at `root`. */
export function places(root: string = ROOT): Places {
  const engine = `${root}/.engine`;
  const home = `${root}/node_modules/@tensorflow/tfjs-node-gpu`;
  return {
    root,
    engine,
    package: home,
    binding: `${home}/lib/napi-v8/tfjs_binding.node`,
    venv: `${engine}/venv`,
    python: `${engine}/venv/bin/python`,
    jupyter: `${engine}/jupyter`,
  };
}
