/**
 * What went wrong with a request:
 *
 * | kind | cause | tried again |
 * |---|---|---|
 * | `busy` | status 429 | yes, unless the quota is used up or the wait is too long |
 * | `server` | status 408, 409, 425 or from 500 on | yes |
 * | `network` | refused, reset or cut connection | yes |
 * | `timeout` | no whole answer in time | yes |
 * | `garbled` | an answer that is not JSON, or not of the form the API has | yes |
 * | `refused` | another status from 400 on: this one request is not accepted | no |
 * | `cut` | the reply ended at its longest, or within its thoughts, before a verdict | no |
 * | `withheld` | a filter or the model itself refused to say anything of this text | no |
 * | `empty` | a reply without a word | yes |
 * | `setup` | wrong key, address, model or API: no request can succeed | no |
 */
export type FaultKind =
  | "busy"
  | "server"
  | "network"
  | "timeout"
  | "garbled"
  | "refused"
  | "cut"
  | "withheld"
  | "empty"
  | "setup";

/** Kinds that say something of one comparison, which then counts as unanswered; the others stop the judging. */
export const UNANSWERED_KINDS: readonly FaultKind[] = ["cut", "withheld", "empty"];

/** Kinds that say something of the server: several in a row are an outage. */
export const OUTAGE_KINDS: readonly FaultKind[] = ["server", "network", "timeout", "garbled"];

/** Kinds that no further attempt at the same request can mend. */
export const LASTING: readonly FaultKind[] = ["refused", "setup", "cut", "withheld"];
