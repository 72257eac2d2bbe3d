/** Names of environment variables that hold keys, in files of settings. */
import { z } from "zod";

const NAMES = "must be the name of an environment variable, in capitals, such as SERVE_KEY; " +
  "a key or token itself belongs into that variable, never into this file";

/**
 * The name of a variable. What looks like a key is refused, so that none is written into a file: most keys have small
 * letters, or are long without an underscore.
 */
export const keyVariable: z.ZodType<string> = z.string().max(64, NAMES)
  .regex(/^[A-Z][A-Z0-9_]*$/, NAMES)
  .refine((name) => !/^(?=.*\d)[A-Z0-9]{20,}$/.test(name), NAMES);
