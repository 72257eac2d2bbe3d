/**
 * playwright-core, whose loading looks for WSL below /proc. Deno answers such questions only to programs with
 * all permissions; "it is not there" serves as well.
 */
import fs from "node:fs";

const existsSync = fs.existsSync;
fs.existsSync = (path) => {
  try {
    return existsSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
};

/** Chromium's driver. */
export const { chromium } = await import("playwright-core");
