/** Flags that several commands have, each said once, and the checks of a flag's text. */
import { Option } from "commander";
import { UserError } from "../base/error.ts";
import { checkOutput } from "../base/outputs.ts";

/** A whole number. @throws {UserError} naming the flag, where the text is none or one below `least` */
export function wholeNumber(flag: string, least = 0): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
    throw new UserError(`${flag} is "${text}"`, `give a whole number from ${least} up`);
  };
}

/** Whole numbers from 0 up, with commas between them. @throws {UserError} naming the flag */
export function wholeNumbers(flag: string): (text: string) => number[] {
  return (text) => text.split(",").map(wholeNumber(flag));
}

/** A share above 0, at most 1. @throws {UserError} naming the flag */
export function shareOf(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value > 0 && value <= 1) return value;
    throw new UserError(`${flag} is "${text}"`, "give a number above 0, at most 1");
  };
}

/** One of a few words. @throws {UserError} naming the flag and the words */
export function oneOf<T extends string>(flag: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new UserError(`${flag} is "${text}"`, `give ${words.join(" or ")}`);
  };
}

/** A flag that may be given several times: all its values, in order; none if it is not given. */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`)
    .default([], "none")
    .argParser((value: string, before: string[]) => [...before, value]);
}

/** A flag for a file to write, refused before any work where it cannot be written. */
export function outputFile(flags: string, description: string): Option {
  return output(flags, description, "file");
}

/** A flag for a folder to write to, refused before any work where it cannot be written. */
export function outputFolder(flags: string, description: string): Option {
  return output(flags, description, "folder");
}

function output(flags: string, description: string, kind: "file" | "folder"): Option {
  return new Option(flags, description).argParser((path: string) => {
    checkOutput(path, { flag: flags.split(" ")[0], kind });
    return path;
  });
}

/** `--seed`: a number where a default is given, else undefined, so that the settings' own holds. */
export function seedFlag(byDefault?: number): Option {
  return new Option("--seed <number>", "everything random follows from it")
    .default(byDefault)
    .argParser(wholeNumber("--seed"));
}

/** The scale of a command that is told none. */
export const DEFAULT_SCALE = "small";

/** `--scale`. @param byDefault Another default; null for none */
export function scaleFlag(
  scales: readonly string[],
  byDefault: string | null = DEFAULT_SCALE,
): Option {
  const option = new Option("--scale <name>", scales.join(" | "));
  if (byDefault !== null) option.default(byDefault);
  return option.argParser((text) => {
    if (scales.includes(text)) return text;
    throw new UserError(`there is no scale "${text}"`, `choose one of ${scales.join(", ")}`);
  });
}

/** `--set SECTION.FIELD=VALUE`, repeated. */
export function setFlag(description = "one setting, section.field=value"): Option {
  return repeated("--set <setting>", description);
}

/** `--config FILE`. */
export function configFlag(): Option {
  return new Option("--config <file>", "JSON file of settings, as in a run's run.json");
}

/** `--run FOLDER`. @param byDefault What is taken where it is not given, for the help text. */
export function runFlag(byDefault: string): Option {
  return new Option("--run <folder>", `run folder; default ${byDefault}`).argParser((text) => {
    if (text.trim() === "") throw new UserError('--run ""', "name a folder");
    checkOutput(text, { flag: "--run", kind: "folder" });
    return text;
  });
}

/** `--principle NAMES`. */
export function principleFlag(description = "what a model judges by, comma-separated"): Option {
  return new Option("--principle <names>", description);
}

/** `--on-bad-line fail | skip`. */
export function onBadLineFlag(): Option {
  return new Option("--on-bad-line <how>", "fail | skip, counted: a record that cannot be used")
    .default("fail")
    .argParser(oneOf("--on-bad-line", ["fail", "skip"]));
}
