/** Who can reach an address. */

/**
 * How far away an address is: on this machine, in a private network, or anywhere.
 *
 * A name without a dot, or of a domain that only a private network resolves, is private; of any other name it is not
 * known, and it counts as public.
 *
 * Sources: RFC 1918, RFC 4193, RFC 6598 (shared address space), RFC 6762 (.local), RFC 8375 (.home.arpa)
 */
export function reachOf(url: string): "loopback" | "private" | "public" {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1") return "loopback";
  const parts = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(host)?.slice(1).map(Number);
  if (parts) {
    const [first, second] = parts;
    if (first === 127) return "loopback";
    const own = first === 10 || (first === 172 && second >= 16 && second < 32) ||
      (first === 192 && second === 168) || (first === 169 && second === 254) ||
      (first === 100 && second >= 64 && second < 128);
    return own ? "private" : "public";
  }
  if (host.includes(":")) return /^f[cd]|^fe[89ab]/.test(host) ? "private" : "public";
  const inside = /\.(local|internal|lan|home\.arpa|svc|cluster|corp|intranet)$/;
  return !host.includes(".") || inside.test(host) ? "private" : "public";
}
