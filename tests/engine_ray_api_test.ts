import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { unzipSync } from "fflate";
import { RayApi } from "../lib/engine/launch/ray_api.ts";
import { refuses } from "./refusals.ts";

/** A cluster in memory that answers as Ray 2.60 was seen to; `faults` answer first, each once. */
class Cluster {
  readonly jobs = new Map<string, Record<string, unknown>>();
  readonly packages = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  readonly faults: ((line: string) => Response | null)[] = [];

  readonly fetch =
    ((input: string, init?: RequestInit) =>
      Promise.resolve().then(() => this.#answer(input, init))) as typeof fetch;

  #answer(input: string, init: RequestInit = {}): Response {
    const path = new URL(input).pathname;
    const line = `${init.method ?? "GET"} ${path}`;
    this.asked.push(line);
    const token = new Headers(init.headers).get("authorization");
    if (token === null) {
      return new Response("Unauthorized: Missing authentication token", { status: 401 });
    }
    if (token !== "Bearer s3cret") return new Response("Forbidden", { status: 403 });
    const fault = this.faults[0]?.(line);
    if (fault) {
      this.faults.shift();
      return fault;
    }
    const name = path.split("/").at(-1)!;
    if (path.startsWith("/api/packages/")) {
      if (init.method !== "PUT") {
        return new Response("", { status: this.packages.has(name) ? 200 : 404 });
      }
      this.packages.set(name, new Uint8Array(init.body as Uint8Array<ArrayBuffer>));
      return new Response("");
    }
    if (line === "POST /api/jobs/") {
      const job = JSON.parse(String(init.body));
      if (this.jobs.has(job.submission_id)) {
        const text =
          `Traceback\nValueError: Job with submission_id ${job.submission_id} already exists.`;
        return new Response(text, { status: 400 });
      }
      this.jobs.set(job.submission_id, { ...job, status: "RUNNING" });
      return Response.json({ submission_id: job.submission_id });
    }
    const job = this.jobs.get(name);
    return job ? Response.json(job) : new Response(`Job ${name} does not exist`, { status: 404 });
  }
}

let cluster: Cluster;
beforeEach(() => void (cluster = new Cluster()));
const api = (token: string | null = "s3cret", fetch = cluster.fetch) =>
  new RayApi({
    url: "http://head:8265/",
    tokenVariable: token === null ? null : "THE_TOKEN",
    readVariable: () => token ?? undefined,
    fetch,
  });
const job = { submission_id: "a-1", entrypoint: "python trainer.py", runtime_env: {} };
const posts = () => cluster.asked.filter((line) => line.startsWith("POST")).length;
const patient = { waitMs: 1 };

describe("a package", () => {
  it("is uploaded once, under its content's hash", async () => {
    const files = { "trainer.py": new TextEncoder().encode("print(1)") };
    const address = await api().upload(files);
    assert.match(address, /^gcs:\/\/_ray_pkg_[0-9a-f]{16}\.zip$/);
    assert.equal(await api().upload({ ...files }), address);
    assert.equal(cluster.asked.filter((line) => line.startsWith("PUT")).length, 1);
    const [zip] = cluster.packages.values();
    assert.deepEqual(Object.keys(unzipSync(zip)), ["trainer.py"]);
    assert.notEqual(await api().upload({ "trainer.py": new Uint8Array(1) }), address);
  });
});

describe("a submission", () => {
  it("of an id that is there already joins it", async () => {
    await api().submit(job);
    await api().submit(job);
    assert.equal(posts(), 1);
  });

  it("whose reply is lost is not made twice", async () => {
    cluster.faults.push((line) => {
      if (line !== "POST /api/jobs/") return null;
      cluster.jobs.set("a-1", { status: "PENDING" });
      throw new TypeError("connection reset");
    });
    await api().submit(job, patient);
    assert.equal(posts(), 1); // the second look found it
  });

  it("that is refused since the id exists has joined it", async () => {
    cluster.faults.push((line) => {
      if (line !== "GET /api/jobs/a-1") return null;
      cluster.jobs.set("a-1", { status: "PENDING" });
      return new Response("", { status: 404 });
    });
    await api().submit(job, patient);
    assert.equal(posts(), 1);
  });

  it("waits while the cluster starts, but not for ever", async () => {
    const busy = (line: string) =>
      line.startsWith("POST")
        ? new Response("No available agent to submit job", { status: 500 })
        : null;
    cluster.faults.push(busy, busy);
    await api().submit(job, patient);
    assert.deepEqual([posts(), cluster.jobs.has("a-1")], [3, true]);
    cluster.jobs.clear();
    cluster.faults.push(busy, busy);
    const error = await refuses(
      api().submit(job, { tries: 2, waitMs: 1 }),
      "500",
      "No available agent",
    );
    assert.equal(error.name, "Unreachable");
  });

  it("that is wrong is told at once", async () => {
    cluster.faults.push((line) =>
      line.startsWith("POST") ? new Response("bad runtime_env", { status: 400 }) : null
    );
    await refuses(api().submit(job, patient), "http://head:8265", "400: bad runtime_env");
    assert.equal(posts(), 1);
  });
});

describe("a request", () => {
  it("without the right token is refused with where it is to be had", async () => {
    await refuses(api(null).job("x"), "401", "train.launcher.tokenVariable", "auth_token");
    const wrong = await refuses(api("wr0ng").job("x"), "403", "set THE_TOKEN to the cluster's own");
    assert.ok(!Deno.inspect(wrong).includes("wr0ng"));
    assert.deepEqual([await api().isOpen(), cluster.asked.at(-1)], [false, "GET /api/version"]);
  });

  it("that fails tells no token, whatever the reason says", async () => {
    const loud = (() => Promise.reject(new TypeError("cannot send Bearer s3cret"))) as typeof fetch;
    const error = await refuses(
      api("s3cret", loud).job("x"),
      "does not answer: cannot send Bearer <token>",
    );
    cluster.faults.push(() => new Response("Traceback\nKeyError: s3cret", { status: 500 }));
    const other = await refuses(api().job("x"), "KeyError: <token>");
    for (const one of [error, other]) {
      assert.equal(one.name, "Unreachable");
      assert.ok(!Deno.inspect(one).includes("s3cret"));
    }
  });

  it("to what is no Ray says so", async () => {
    cluster.faults.push(() => new Response("<html>hello"));
    await refuses(
      api().version(),
      "does not answer as Ray does: <html>hello",
      "train.launcher.url",
    );
    for (const ask of [() => api().job("a-1"), () => api().log("a-1")]) {
      for (const text of ["<html>please log in</html>", "null", '"s3cret"']) {
        cluster.faults.push(() => new Response(text));
        const error = await refuses(ask, "does not answer as Ray does", "train.launcher.url");
        assert.ok(!Deno.inspect(error).includes("s3cret"));
      }
    }
  });

  it("that Deno does not allow is told as that, and not as a cluster that is away", async () => {
    const refused = 'Requires net access to "head:8265", run again with the --allow-net flag';
    const kept = (() => Promise.reject(new Deno.errors.NotCapable(refused))) as typeof fetch;
    const error = await refuses(
      api("s3cret", kept).submit(job, patient),
      "Deno was not allowed to go there",
      "--allow-net=head:8265",
    );
    assert.equal(error.name, "UserError", "there is nothing to wait for");
  });
});
