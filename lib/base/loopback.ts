/** Requests to this machine, where the environment names a proxy for all others. */

/** Hosts that are this machine. */
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** The `NO_PROXY` under which requests to this machine go there, and not to a proxy that cannot reach it. */
export function noProxy(env: { readonly NO_PROXY?: string; readonly no_proxy?: string }): string {
  const named = [env.NO_PROXY, env.no_proxy].flatMap((list) => list?.split(",") ?? [])
    .map((host) => host.trim()).filter(Boolean);
  return [...new Set([...named, ...LOOPBACK.map((host) => host.replace(/[[\]]/g, ""))])].join(",");
}

/**
 * Lets requests to an address on this machine pass by the proxy that `HTTP_PROXY` names. Deno's `fetch` asks the proxy
 * for these too, unlike what a user of a local server expects; does nothing where the environment may not be changed.
 */
export function passByProxy(url: string): void {
  if (!LOOPBACK.includes(new URL(url).hostname)) return;
  try {
    const { NO_PROXY, no_proxy } = Deno.env.toObject();
    const list = noProxy({ NO_PROXY, no_proxy });
    for (const name of ["NO_PROXY", "no_proxy"]) Deno.env.set(name, list);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}
