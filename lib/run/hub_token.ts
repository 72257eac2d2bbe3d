import { UserError } from "../base/error.ts";

/** The public Hub, the one place a token from the environment is sent to. */
const HUB_URL = "https://huggingface.co";

/** Who asks the Hub. */
export interface HubAccess {
  /**
   * Another Hub, such as a mirror.
   * @default "https://huggingface.co"
   */
  readonly hubUrl?: string;
  /**
   * Token of an account that may read what is asked for; null: none.
   * @default the environment variable HF_TOKEN, for https://huggingface.co alone
   */
  readonly token?: string | null;
}

/** The token for a Hub, or null. @throws {UserError} HF_TOKEN is no token; its value is not shown. */
export function hubToken({ hubUrl = HUB_URL, token }: HubAccess): string | null {
  if (token !== undefined) return token;
  if (new URL(hubUrl).origin !== HUB_URL) return null;
  const value = Deno.env.get("HF_TOKEN")?.trim() ?? "";
  if (value === "") return null;
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new UserError(
    "the environment variable HF_TOKEN holds blanks or characters that no token has",
    "set it to a token of https://huggingface.co/settings/tokens, or unset it",
  );
}

/**
 * A fetch that sends the token to the Hub's own origin and nowhere else. (`@huggingface/hub` is given none, since it
 * would send it on to the servers that the Hub sends large files from.)
 *
 * @param inner Drops an `Authorization` header when it is sent on to another origin, as Fetch has it:
 * https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
export function withHubToken(inner: typeof fetch, access: HubAccess): typeof fetch {
  const token = hubToken(access);
  if (token === null) return inner;
  const { origin } = new URL(access.hubUrl ?? HUB_URL);
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (new URL(url).origin !== origin) return inner(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : []));
    headers.set("Authorization", `Bearer ${token}`);
    return inner(input, { ...init, headers });
  };
}

/** What to do when the Hub refuses with a status: 401 and 403 are about who asks. */
export function hubRemedy(error: unknown, access: HubAccess, otherwise: string): string {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  if (status !== 401 && status !== 403) return otherwise;
  return hubToken(access) === null
    ? "check the name; if it is private or asks for consent, set HF_TOKEN to a token that may read it"
    : "check the name, and that the account of HF_TOKEN may read it and has accepted its terms on the Hub";
}
