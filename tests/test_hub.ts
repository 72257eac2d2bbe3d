/** A Hugging Face Hub on loopback, that does what a test needs it to do wrong. */
import { after, before } from "jsr:@std/testing@1/bdd";
import { createHash } from "node:crypto";
import { newFolder } from "./temporary_files.ts";

/** Serves `files` by path, and does to a file what `fault` says. */
class TestHub {
  files: Record<string, Uint8Array> = {};
  fault: Record<string, "cut" | "404" | "silent" | "wrong"> = {};
  /** Large files are known by their sha256, as with Git LFS. */
  lfs = true;
  requests: string[] = [];
  /** The `Authorization` header of each request, or null. */
  authorizations: (string | null)[] = [];
  /** A header without which nothing is given. */
  demanded: string | null = null;
  /** Another server, which files are redirected to. */
  sentTo: string | null = null;
  #server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (r) => this.#answer(r));
  get url() {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }
  /** Answers that a silent server owes are given up at the end, so that it can stop. */
  #end = Promise.withResolvers<Response>();
  stop(): Promise<void> {
    this.#end.resolve(new Response(null, { status: 503 }));
    return this.#server.shutdown();
  }

  #answer(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    const range = request.headers.get("range");
    this.requests.push(range ? `${pathname} ${range}` : pathname);
    const authorization = request.headers.get("authorization");
    this.authorizations.push(authorization);
    const tree = /^\/api\/(?:models\/)?(.+)\/tree\/main$/.exec(pathname);
    if (this.demanded !== null && authorization !== this.demanded) {
      return Response.json({ error: "Access to it is restricted" }, { status: 403 });
    }
    if (this.fault[tree ? "tree" : pathname] === "silent") return this.#end.promise;
    if (tree) {
      const prefix = `/${tree[1]}/resolve/main/`;
      const paths = Object.keys(this.files).filter((path) => path.startsWith(prefix));
      if (paths.length === 0) {
        return Response.json({ error: "Repository not found" }, { status: 401 });
      }
      return Response.json(paths.map((path) => ({
        type: "file",
        path: path.slice(prefix.length),
        size: this.files[path].length,
        oid: "0",
      })));
    }
    if (this.sentTo !== null) return Response.redirect(this.sentTo + pathname, 302);
    const bytes = this.files[pathname];
    if (bytes === undefined || this.fault[pathname] === "404") {
      return new Response("no such file", { status: 404 });
    }
    const hash = createHash("sha256").update(bytes).digest("hex");
    const etag = this.lfs && bytes.length > 1000 ? `"${hash}"` : `"small"`;
    const [, from = 0, to = bytes.length - 1] =
      /bytes=(\d+)-(\d+)/.exec(range ?? "")?.map(Number) ?? [];
    const part = bytes.slice(from, to + 1);
    if (this.fault[pathname] === "wrong" && part.length > 1) part[0] ^= 1;
    const headers = {
      etag,
      "content-length": String(part.length),
      ...(range ? { "content-range": `bytes ${from}-${to}/${bytes.length}` } : {}),
    };
    const cut = this.fault[pathname] === "cut" && part.length > 1;
    const body = cut ? cutOff(part.subarray(0, part.length >> 1)) : part;
    return new Response(body, { status: range ? 206 : 200, headers });
  }
}

/** A body that breaks its connection after some bytes. */
function cutOff(bytes: Uint8Array<ArrayBuffer>) {
  let sent = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (!sent) controller.enqueue(bytes);
      // Long enough for what was sent to arrive: a reset would otherwise overtake it.
      else await new Promise((done) => setTimeout(done, 100)).then(() => controller.error("cut"));
      sent = true;
    },
  });
}

/** The Hub of the test file. */
export let hub: TestHub;
/** A server of another origin, which the Hub may send files from. */
export let store: TestHub;
before(() => {
  hub = new TestHub();
  store = new TestHub();
});
after(async () => {
  await Promise.all([hub.stop(), store.stop()]);
});

/** A fresh engine folder, a listener for the log, and the Hub at fault as told. */
export async function setting(fault: TestHub["fault"] = {}) {
  const folder = await newFolder();
  const lines: string[] = [];
  hub.fault = fault;
  hub.lfs = true;
  hub.requests = [];
  hub.authorizations = [];
  hub.demanded = hub.sentTo = null;
  const log = (line: string) => void lines.push(line);
  return {
    folder,
    lines,
    options: { folder, log, hubUrl: hub.url, timeoutMs: 2000, dataFolder: "" },
  };
}

/** Bytes of any content. */
export const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3);

/** An address where nothing listens. */
export function closedPort(): string {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}
