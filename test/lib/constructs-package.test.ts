import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

describe("the package of constructs", () => {
  let folder: string;
  let page: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ferrygate-constructs-"));
    page = await readFile(join(root, "docs/aws/constructs.md"), "utf8");
    const modules = join(folder, "node_modules");
    await mkdir(modules);
    await run(process.execPath, [join(root, "scripts/constructs.mjs"), join(modules, "ferrygate-constructs")]);
    for (const name of ["aws-cdk-lib", "cdk-nag", "constructs", "ipaddr.js", "zod"]) {
      await symlink(join(root, "node_modules", name), join(modules, name));
    }
    await writeFile(join(folder, "package.json"), '{"type": "module"}');
    await writeFile(join(folder, "app.ts"), /```ts\n(.*?)```/s.exec(page)?.[1] ?? "");
  });
  after(() => rm(folder, { recursive: true }));

  it("places store and gateway into a VPC of another app, as its page says", async () => {
    const out = join(folder, "cdk.out");
    await run(process.execPath, ["app.ts"], { cwd: folder, env: { ...process.env, CDK_OUTDIR: out } });
    const template = JSON.parse(await readFile(join(out, "Files.template.json"), "utf8"));
    const resources = Object.entries(template.Resources as Record<string, { Type: string; Properties: unknown }>);
    const count = (type: string) => resources.filter(([, { Type }]) => Type === type).length;
    assert.equal(count("AWS::EC2::VPC"), 0);
    assert.equal(count("AWS::S3::Bucket"), 3);
    assert.equal(count("AWS::Lambda::Function"), 9);
    assert.equal(count("AWS::ECS::Service"), 1);
    assert.equal(count("AWS::ElasticLoadBalancingV2::Listener"), 23);
    const pulling = resources.filter(([, { Properties }]) => /ecr:BatchGetImage/.test(JSON.stringify(Properties)));
    assert.equal(pulling.length, 1);
    assert.match(JSON.stringify(template), /10\.0\.0\.0\/27,10\.0\.0\.32\/27,10\.0\.1\.0\/24,10\.0\.2\.0\/24/);
  });

  it("has types that such an app is checked by", async () => {
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const app = await readFile(join(folder, "app.ts"), "utf8");
    await writeFile(join(folder, "wrong.ts"), `${app}new GatewayPool(stack, "Wrong", { tasks: 2 });\n`);
    const flags = [
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--types",
      "",
      "--pretty",
      "false",
    ];
    const checked = run(process.execPath, [compiler, ...flags, "wrong.ts"], { cwd: folder });
    // Of the one line that is wrong, and of no other.
    const line = app.split("\n").length;
    await assert.rejects(checked, ({ stdout }) => {
      const findings = [...stdout.matchAll(/^\S+\((\d+),\d+\): error/gm)];
      assert.deepEqual(
        findings.map(([, at]) => Number(at)),
        findings.map(() => line),
        stdout,
      );
      return findings.length > 0;
    });
  });

  it("is described construct by construct", async () => {
    const constructs = join(root, "lib/constructs");
    const names = (await readdir(constructs)).map((file) => file.replace(/\.ts$/, ""));
    const missing: string[] = [];
    for (const name of names) {
      const source = await readFile(join(constructs, `${name}.ts`), "utf8");
      for (const [, construct] of source.matchAll(/^export class (\w+) extends Construct/gm)) {
        if (!page.includes(`\`${name}\``) || !page.includes(`\`${construct}\``)) missing.push(`${name}: ${construct}`);
      }
    }
    assert.deepEqual(missing, []);
  });
});
