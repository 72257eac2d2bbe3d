import { Func, Loop, Undefined, Unsupported, type Value } from "./values.ts";

/**
 * The `loop` of a for statement at one of its items.
 *
 * @param changed Whether `loop.changed` was last called with other values.
 */
export function loopOf(
  items: readonly Value[],
  i: number,
  changed: (values: readonly Value[]) => boolean,
): Loop {
  return new Loop((name) => {
    switch (name) {
      case "index":
        return i + 1;
      case "index0":
        return i;
      case "revindex":
        return items.length - i;
      case "revindex0":
        return items.length - i - 1;
      case "first":
        return i === 0;
      case "last":
        return i === items.length - 1;
      case "length":
        return items.length;
      case "previtem":
        return i > 0 ? items[i - 1] : new Undefined("there is no previous item");
      case "nextitem":
        return i < items.length - 1 ? items[i + 1] : new Undefined("there is no next item");
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
