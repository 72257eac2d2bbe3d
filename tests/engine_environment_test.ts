import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { clusterPython } from "../lib/engine/environment.ts";
import { UserError } from "../lib/base/error.ts";
import { newFolder } from "./temporary_files.ts";

/** A list of one small package without compiled parts. */
const LIST = "iniconfig==2.1.0\n";
const reachable = await fetch("https://pypi.org/simple/iniconfig/", {
  signal: AbortSignal.timeout(10_000),
}).then(async (reply) => (await reply.body?.cancel(), reply.ok), () => false);
if (!reachable) console.warn("skipping an installation: pypi.org is not reachable");

/** A folder of lists, and one for environments. */
async function places(requirements: string, overrides = "") {
  const [lists, folder] = [await newFolder(), await newFolder()];
  await Deno.writeTextFile(`${lists}/requirements.txt`, requirements);
  await Deno.writeTextFile(`${lists}/overrides.txt`, overrides);
  const lines: string[] = [];
  return { lists, folder, lines, log: (line: string) => void lines.push(line), bytes: 1e6 };
}

const clusters = (folder: string) => readdirSync(folder).filter((n) => n.startsWith("cluster-"));

describe("the cluster's Python", () => {
  it("is null where it is not installed, and nothing is made", async () => {
    const at = await places(LIST);
    assert.equal(await clusterPython(at), null);
    assert.deepEqual(readdirSync(at.folder), []);
  });

  (reachable ? it : it.skip)(
    "is installed once, anew for another list, and anew where an installation was torn",
    async () => {
      const at = await places(LIST);
      const python = await clusterPython({ ...at, install: true }) ?? "";
      assert.ok(python.startsWith(`${at.folder}/cluster-`) && python.endsWith("/bin/python"));
      const { success } = await new Deno.Command(python, { args: ["-c", "import iniconfig"] })
        .output();
      assert.ok(success, "the package is there");
      const said = at.lines.length;
      assert.equal(await clusterPython({ ...at, install: true }), python);
      assert.equal(at.lines.length, said, "nothing was done the second time");

      await Deno.remove(python.replace("bin/python", "complete.txt"));
      await Deno.writeTextFile(python.replace("bin/python", "half"), "");
      assert.equal(await clusterPython(at), null, "half an environment is none");
      assert.equal(await clusterPython({ ...at, install: true }), python);
      assert.ok(!existsSync(python.replace("bin/python", "half")), "what was left is cleared");

      await Deno.writeTextFile(`${at.lists}/requirements.txt`, LIST + "# another list\n");
      assert.equal(await clusterPython(at), null);
      const other = await clusterPython({ ...at, install: true });
      assert.notEqual(other, python);
      assert.deepEqual(clusters(at.folder).map((name) => `${at.folder}/${name}/bin/python`), [
        other,
      ]);
    },
  );

  (reachable ? it : it.skip)(
    "is installed under the task's own permissions, wherever python3 is, without uv too",
    async () => {
      const at = await places(LIST);
      const names = Deno.env.get("PATH")!.split(":");
      const withoutUv = names.filter((name) => !existsSync(`${name}/uv`)).join(":");
      for (const PATH of new Set([names.join(":"), withoutUv])) {
        const folder = await newFolder(); // under /tmp, where the task may write
        const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-q", "-P=cluster", "tests/cluster_python_printed.ts", at.lists, folder],
          env: { PATH },
        }).output();
        assert.ok(success, new TextDecoder().decode(stderr));
        assert.ok(new TextDecoder().decode(stdout).startsWith(`${folder}/cluster-`));
      }
    },
  );

  it("says what failed, what to do, and no password; what was there stays", async () => {
    const at = await places(
      "--index-url http://user:secret@127.0.0.1:1/simple\nno-such-package-here==1.0\n",
    );
    await Deno.mkdir(`${at.folder}/cluster-old`);
    await assert.rejects(clusterPython({ ...at, install: true }), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.problem, /failed: .*no-such-package-here/s);
      assert.doesNotMatch(error.message, /secret/);
      assert.match(error.remedy, /7 GB.*3\.10 to 3\.13/);
      return true;
    });
    assert.equal(await clusterPython(at), null);
    assert.ok(clusters(at.folder).includes("cluster-old"));
  });

  it("refuses a disk that is too full before anything is fetched", async () => {
    const at = await places(LIST);
    await assert.rejects(
      clusterPython({ ...at, install: true, bytes: 1e18 }),
      /need 1000000000.0 GB, and the disk of .* has \d+\.\d GB\n.*make room/,
    );
    assert.equal(await clusterPython(at), null);
  });
});
