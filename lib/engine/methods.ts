import { UserError } from "../base/error.ts";
import {
  knockoutFinal,
  knockoutMatches,
  type Method,
  methodNamed,
  METHODS,
} from "../method/mod.ts";

/** Rankers that servers, the data set or a coin can be. */
const RANKERS: readonly Method["ranker"][] = ["judge", "policy", "labels", "given", "chance"];

/** Losses whose values TRL's trainers have, see the equality table. Its `ipo` divides by the answer's length, ours does not. */
const LOSSES = ["sigmoid", "hinge", "sft"] as const;

/** Why engines elsewhere cannot run a method; null where they can. */
export function lackOf(method: Method): string | null {
  const { own, gold, head, offsets, measured, parameters = {}, labels, ties, ranker, loss } =
    method;
  const { pairs = knockoutFinal, words } = method;
  if (own !== undefined) return "has a step of its own";
  if (gold) return "asks for gold labels";
  if (head !== undefined) return "trains a head beside the policy";
  if (offsets !== undefined || measured !== undefined) return "measures the policy in each step";
  if (![knockoutFinal, knockoutMatches].includes(pairs)) return "forms pairs of its own";
  if (words?.loss !== undefined) return `learns by ${words.loss}`;
  if ((labels === "soft" || ties === "half") && loss !== "sigmoid") {
    return `learns from soft labels by the loss ${loss}`;
  }
  if (!RANKERS.includes(ranker)) return `is ranked by the ${ranker}`;
  if (!(LOSSES as readonly string[]).includes(loss)) return `has the loss ${loss}`;
  if (Object.keys(parameters).some((name) => name !== "beta")) return "has numbers of its own";
  return null;
}

/** Methods that engines elsewhere can run. */
export const OUTSIDE_METHODS: readonly string[] = Object.entries(METHODS)
  .filter(([, method]) => lackOf(method) === null).map(([name]) => name);

/** A method that engines elsewhere can run. @throws {UserError} for another one, with why and with those there are */
export function outsideMethod(name: string): Method & { loss: (typeof LOSSES)[number] } {
  const method = methodNamed(name);
  const lack = lackOf(method);
  if (lack === null) return method as Method & { loss: (typeof LOSSES)[number] };
  throw new UserError(
    `the method ${name} ${lack}, which engines elsewhere cannot do`,
    `leave --engine out, or choose one of ${OUTSIDE_METHODS.join(", ")}`,
  );
}
