/**
 * What tfjs-node expects of Node and Deno does not give, put in place before TensorFlow is loaded:
 * two functions that Node dropped from `node:util`, and a quiet native log.
 *
 * Import this module before (never after) the native package.
 */
import { createRequire } from "node:module";
import process from "node:process";

// The module object that require() hands to the package: an ES import namespace could not be extended.
const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>;
util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
util.isArray ??= Array.isArray;

// 0 shows everything, 2 only errors. A value from outside wins, for debugging TensorFlow.
process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
