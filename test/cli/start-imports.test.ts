import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

/** What parts of the configuration need that most servers do not have. */
const rarelyUsed = ["openpgp", "nodemailer", "basic-ftp", "@peculiar/asn1-x509", "@aws-sdk/client-s3"];

test("a start loads the libraries that every server needs, and no others", async (context) => {
  const loaded = new Set<string>();
  const hooks = registerHooks({
    load: (url, loading, next) => {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
      if (name) loaded.add(name);
      return next(url, loading);
    },
  });
  context.after(() => hooks.deregister());
  await import("../../bin/cli/start.ts");
  assert.ok(loaded.has("ssh2"));
  assert.deepEqual(
    rarelyUsed.filter((name) => loaded.has(name)),
    [],
  );
});
