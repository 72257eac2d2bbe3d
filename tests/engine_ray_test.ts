import assert from "node:assert/strict";
import { after, before, describe } from "jsr:@std/testing@1/bdd";
import type { Cluster } from "../lib/engine/mod.ts";
import { LocalRay } from "../lib/engine/mod.ts";
import { RayLauncher, type RaySettings } from "../lib/engine/launch/ray.ts";
import { itWithPython, PYTHON, testCluster } from "./engine_cluster.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";
import { until } from "./until.ts";

let ray: LocalRay;
let shared: string;

/** A launcher for the cluster of these tests, its trainer a script. */
function launcher(script: string, { variables, fetch, ...settings }: {
  variables?: Record<string, string>;
  fetch?: typeof globalThis.fetch;
  url?: string;
  tokenVariable?: string | null;
  python?: string;
} = {}): RayLauncher {
  const { python = PYTHON!, ...rest } = settings;
  const cluster: Cluster = testCluster(shared, {
    launcher: { kind: "ray", url: ray.url, placement: "STRICT_SPREAD", ...rest },
    python,
    workers: 2,
    threads: 3,
  });
  const own = variables ?? { RAY_AUTH_TOKEN: ray.token };
  return new RayLauncher(cluster, cluster.train.launcher as RaySettings, {
    files: () => Promise.resolve({ "trainer.py": new TextEncoder().encode(script) }),
    readVariable: (name) => own[name],
    fetch,
  });
}

const ended = (launcher: RayLauncher, id: string) =>
  until(async () => {
    const found = await launcher.state(id);
    return ["succeeded", "failed", "stopped"].includes(found.state) ? found : null;
  }, { everyMs: 1000, atMostMs: 300_000 });

let nth = 0;
const newId = () => `test-self-judge-${++nth}`;
const train = "/mnt/runs/it's here/train.json";

/** A worker on each node tells which Python it runs and where; the driver tells what it was given. */
const PLACED = `
import json, os, sys, ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy
ray.init(log_to_driver=False)
group = placement_group([{"CPU": 1}] * 2, strategy="STRICT_SPREAD")
ray.get(group.ready())
@ray.remote(num_cpus=1)
def where():
    return [ray.util.get_node_ip_address(), sys.executable, os.environ["OMP_NUM_THREADS"]]
at = [where.options(scheduling_strategy=PlacementGroupSchedulingStrategy(group, i)).remote() for i in range(2)]
print("TOLD", json.dumps({"arguments": sys.argv[1:], "workers": sorted(ray.get(at))}), flush=True)
`;
const FOREVER = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n";
const FAILING =
  "import os, sys\nprint('token', open(os.environ['RAY_AUTH_TOKEN_PATH']).read())\nprint('the reason')\nsys.exit(3)\n";

(PYTHON ? describe : describe.skip)("a trainer on a Ray cluster of two nodes", () => {
  before(async () => {
    shared = await newFolder();
    // Not the addresses and ports that deno task engine --local takes, which may be in use beside the tests.
    const at = { nodes: ["127.0.0.5", "127.0.0.4"], port: 6391, dashboardPort: 8267 };
    ray = await LocalRay.start({ python: PYTHON!, folder: await newFolder(), ...at });
  });
  after(() => ray?.stop());

  itWithPython("is placed on both, with the Python that the cluster names", async () => {
    const one = launcher(PLACED), id = newId();
    await one.start({ id, train });
    assert.equal((await ended(one, id)).state, "succeeded", await one.log(id));
    const told = JSON.parse(/^TOLD (.*)$/m.exec(await one.log(id))![1]);
    assert.deepEqual(told.arguments, [train, "--ray"]);
    assert.deepEqual(told.workers, [["127.0.0.4", PYTHON, "3"], ["127.0.0.5", PYTHON, "3"]]);
  });

  itWithPython("is joined when it is there, and stopped", async () => {
    const one = launcher(FOREVER), id = newId();
    assert.equal((await one.state(id)).state, "absent");
    assert.equal(await one.log(id), "");
    await one.start({ id, train });
    await one.start({ id, train });
    await until(async () => (await one.log(id)).includes("begun"));
    assert.equal((await one.state(id)).state, "running");
    await one.stop(id);
    assert.equal((await ended(one, id)).state, "stopped");
    await one.start({ id, train }); // an ended one is left as it is
    assert.equal((await one.state(id)).state, "stopped");
    await one.stop("nowhere");
  });

  itWithPython("is joined when the reply to its start was lost, or its look-up was", async () => {
    let posts = 0, hidden = 0;
    const lossy: typeof fetch = async (input, init) => {
      const reply = await fetch(input, init);
      const path = new URL(String(input)).pathname;
      if (init?.method === "POST" && path === "/api/jobs/" && ++posts === 1) {
        await reply.body?.cancel();
        throw new TypeError("connection reset");
      }
      // later, a server that does not tell of the job, so that it is posted again
      if (!init?.method && path.startsWith("/api/jobs/test-") && posts > 0 && hidden++ < 1) {
        await reply.body?.cancel();
        return new Response("not yet", { status: 404 });
      }
      return reply;
    };
    const one = launcher(FOREVER, { fetch: lossy }), id = newId();
    await one.start({ id, train });
    assert.deepEqual([posts, hidden > 0], [2, true]); // the second one was told "already exists"
    await one.stop(id);
  });

  itWithPython("that fails is told with its code, and no token is in its log", async () => {
    const one = launcher(FAILING), id = newId();
    await one.start({ id, train });
    const { state, message } = await ended(one, id);
    assert.equal(state, "failed");
    assert.match(message!, /exit code 3/);
    const log = await one.log(id);
    assert.match(log, /token <token>\nthe reason$/);
    assert.ok(!`${message}${log}`.includes(ray.token));
    assert.equal(await one.log(id, 1), "the reason");
  });

  itWithPython(
    "is refused with the remedy: no token, a wrong one, none set, nobody there",
    async () => {
      const state = (options: Parameters<typeof launcher>[1]) => launcher("", options).state("x");
      const errors = [
        await refuses(
          state({ tokenVariable: null }),
          ray.url,
          "401",
          "train.launcher.tokenVariable",
        ),
        await refuses(
          state({ variables: { RAY_AUTH_TOKEN: "wr0ng" } }),
          ray.url,
          "403",
          "RAY_AUTH_TOKEN to the cluster's own",
        ),
        await refuses(state({ variables: {} }), "RAY_AUTH_TOKEN is not set"),
        await refuses(
          state({ url: "http://127.0.0.1:9" }),
          "http://127.0.0.1:9 does not answer",
          "ssh -L",
        ),
      ];
      for (const error of errors) {
        assert.ok(!/wr0ng/.test(Deno.inspect(error)) && !Deno.inspect(error).includes(ray.token));
      }
      assert.equal(errors[3].name, "Unreachable");
    },
  );

  itWithPython("is refused by the check when the Python is not there", async () => {
    const rows = await launcher("", { python: "/nowhere/python" }).check();
    const named = Object.fromEntries(rows.map((row) => [row.what, row]));
    assert.deepEqual([named.Ray.ok, named["Ray's token"].ok, named["room for workers"].ok], [
      true,
      true,
      true,
    ]);
    assert.match(named["room for workers"].said, /2 of 2 CPUs free on 2 nodes/);
    assert.equal(named["the trainer's Python"].ok, false);
    assert.match(
      named["the trainer's Python"].remedy!,
      /the path that the trainer's machines have/,
    );
  });

  itWithPython(
    "is promised by the check on each node: packages and the shared folder",
    async () => {
      const rows = await launcher("").check();
      assert.deepEqual(rows.map(({ ok }) => ok), Array(7).fill(true), Deno.inspect(rows));
      const names = rows.slice(3).map(({ what }) => what);
      for (const node of ["127.0.0.4", "127.0.0.5"]) {
        assert.ok(
          names.includes(`packages on ${node}`) && names.includes(`shared folder on ${node}`),
        );
      }
      assert.deepEqual([...Deno.readDirSync(shared)], []);
    },
  );

  itWithPython(
    "is lost with the cluster: unreachable while it is down, absent when it is up again",
    async () => {
      const one = launcher(FOREVER), id = newId();
      await one.start({ id, train });
      await ray.killNode("127.0.0.4");
      await until(async () => (await ray.nodesAlive()).length === 1, { atMostMs: 300_000 });
      await ray.stop();
      assert.equal((await refuses(one.state(id), "does not answer")).name, "Unreachable");
      assert.equal((await one.check())[0].ok, false);
      ray = await LocalRay.start({ ...ray.options, nodes: ["127.0.0.5"] });
      const again = launcher(FOREVER);
      assert.equal((await again.state(id)).state, "absent");
      assert.equal((await again.check())[2].ok, false); // one CPU for two workers
    },
  );
});
