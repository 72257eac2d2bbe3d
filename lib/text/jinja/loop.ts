import { Func, Loop, Undefined, Unsupported, type Value } from "./values.ts";

/** The items of a for statement. */
export interface LoopItems {
  /** Those that were asked for. */
  readonly taken: readonly Value[];
  /** Asks for so many items. @returns whether there are */
  readonly reaches: (count: number) => boolean;
  /** Whether `loop.changed` was last called with other values. */
  readonly changed: (values: readonly Value[]) => boolean;
}

/** The `loop` of a for statement at one of its items. */
export function loopOf(i: number, { taken, reaches, changed }: LoopItems): Loop {
  const length = () => {
    reaches(Infinity);
    return taken.length;
  };
  return new Loop((name) => {
    switch (name) {
      case "index":
        return i + 1;
      case "index0":
        return i;
      case "revindex":
        return length() - i;
      case "revindex0":
        return length() - i - 1;
      case "first":
        return i === 0;
      case "last":
        return !reaches(i + 2);
      case "length":
        return length();
      case "previtem":
        return i > 0 ? taken[i - 1] : new Undefined("there is no previous item");
      case "nextitem":
        return reaches(i + 2) ? taken[i + 1] : new Undefined("there is no next item");
      case "cycle":
        return new Func(name, ({ args }) => args[i % args.length]);
      case "changed":
        return new Func(name, ({ args }) => changed(args));
      case "depth":
      case "depth0":
        throw new Unsupported(`loop.${name}`);
    }
    return undefined;
  });
}
