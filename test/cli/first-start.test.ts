import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { connect, createServer } from "node:tls";
import ssh2 from "ssh2";
import { loadConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import { dataFiles } from "../../bin/cli/data-directory.ts";
import { hostKeyFingerprints, prepareDataDirectory } from "../../bin/cli/first-start.ts";
import type { Account } from "../../core/account.ts";
import { FolderMap } from "../../core/folder-map.ts";
import { type Action, decide } from "../../core/permission.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import { Workspace } from "../configuration/workspace.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";

const workspace = new Workspace();
after(() => workspace[Symbol.dispose]());
const data = join(workspace.folder, "data");
const files = dataFiles(data);
const report = await prepareDataDirectory(data, { withDemo: true });
const everyFile = [...Object.values(files.hostKeys), files.tlsCertificate, files.tlsPrivateKey, files.configuration];

function demoAccount(name: string): Account {
  const loaded = loadConfiguration(files.configuration, {});
  assert.ok(loaded.ok, loaded.ok ? "" : JSON.stringify(loaded.problems));
  const account = loaded.configuration.accounts.get(name);
  assert.ok(account);
  return account;
}

test("everything is made, and only its owner may read it", () => {
  for (const file of everyFile) assert.equal(statSync(file).mode & 0o777, 0o600, file);
  for (const folder of [data, join(data, "keys")]) assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
  const leftOver = readdirSync(data, { recursive: true }).filter((name) => String(name).endsWith(".tmp"));
  assert.deepEqual(leftOver, []);
});

test("the host keys are an Ed25519 and an RSA key", () => {
  const keys = Object.values(files.hostKeys).map((file) => ssh2.utils.parseKey(readFileSync(file)));
  const types = keys.map((parsed) => (parsed instanceof Error ? parsed.message : parsed.type));
  assert.deepEqual(types, ["ssh-ed25519", "ssh-rsa"]);
});

test("a second start touches nothing and tells no password", async () => {
  const before = everyFile.map((file) => readFileSync(file, "utf8"));
  assert.equal(await prepareDataDirectory(data, { withDemo: true }), undefined);
  assert.deepEqual(
    everyFile.map((file) => readFileSync(file, "utf8")),
    before,
  );
});

test("without the demo there is no configuration", async () => {
  const other = join(workspace.folder, "other");
  assert.equal(await prepareDataDirectory(other, { withDemo: false }), undefined);
  assert.deepEqual(readdirSync(other), ["keys"]);
});

test("what a crash kept from being made is made by the next start, from what is there", async () => {
  const other = join(workspace.folder, "crashed");
  await prepareDataDirectory(other, { withDemo: false });
  const { hostKeys, tlsCertificate, tlsPrivateKey } = dataFiles(other);
  const kept = [hostKeys.ed25519, tlsPrivateKey].map((file) => readFileSync(file, "utf8"));
  rmSync(hostKeys.rsa);
  rmSync(tlsCertificate);
  writeFileSync(`${tlsCertificate}.1.tmp`, "half");
  await prepareDataDirectory(other, { withDemo: false });
  assert.deepEqual(
    [hostKeys.ed25519, tlsPrivateKey].map((file) => readFileSync(file, "utf8")),
    kept,
  );
  assert.ok(statSync(hostKeys.rsa).size > 0);
  assert.ok(new X509Certificate(readFileSync(tlsCertificate)).publicKey);
});

suite("the demo accounts", () => {
  test("their passwords are those of the report, long and random", async () => {
    const { verify } = createPasswordHasher();
    assert.equal(report?.configurationFile, files.configuration);
    assert.deepEqual(
      report.accounts.map(({ name }) => name),
      ["acme", "admin"],
    );
    for (const { name, password } of report.accounts) {
      assert.match(password, /^[A-Za-z2-9]{24}$/);
      assert.ok(await verify(password, demoAccount(name).passwordHash));
      assert.ok(!readFileSync(files.configuration, "utf8").includes(password));
    }
    assert.notEqual(report.accounts[0]?.password, report.accounts[1]?.password);
  });

  test("acme delivers to /inbox, reads it back and collects from /outbox, and does no more", () => {
    const acme = demoAccount("acme");
    const lists = { account: acme.permissions, groups: acme.groups.map(({ permissions }) => permissions) };
    const effect = (action: Action, path: string) =>
      decide({ accountName: "acme", action, path: parseVirtualPath(path) }, lists).effect;
    const allowed: [Action, string][] = [
      ["list", "/"],
      ["stat", "/"],
      ["list", "/inbox"],
      ["write", "/inbox/a.txt"],
      ["read", "/inbox/a.txt"],
      ["rename", "/inbox/a.txt"],
      ["create-folder", "/inbox/b"],
      ["list", "/outbox"],
      ["read", "/outbox/a.txt"],
    ];
    const denied: [Action, string][] = [
      ["write", "/a.txt"],
      ["write", "/outbox/a.txt"],
      ["read", "/inboxes/a.txt"],
      ["delete-folder", "/outbox/b"],
    ];
    for (const [action, path] of allowed) assert.equal(effect(action, path), "allow", `${action} ${path}`);
    for (const [action, path] of denied) assert.equal(effect(action, path), "deny", `${action} ${path}`);
    const objectKey = new FolderMap(acme).objectKeyFor(parseVirtualPath("/inbox/a.pdf"));
    assert.equal(objectKey, "acme/inbox/a.pdf");
  });

  test("admin may use the management API, and acme may not", () => {
    assert.deepEqual([demoAccount("admin").roles, demoAccount("acme").roles], [["admin"], []]);
  });

  test("the configuration goes on being good when its examples are put into force", () => {
    const text = readFileSync(files.configuration, "utf8").replace(/^# (?=dispatch:|alerts:|mail:| {2})/gm, "");
    const { dispatch, alerts, mail } = workspace.load(text);
    assert.deepEqual([dispatch.length, alerts.length, mail === undefined], [1, 1, false]);
  });
});

suite("the TLS certificate", () => {
  const certificate = new X509Certificate(readFileSync(files.tlsCertificate));

  test("it names this machine, signs itself and holds for 825 days", () => {
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(certificate.checkHost("localhost"));
    assert.ok(certificate.checkHost(hostname()));
    assert.ok(certificate.checkIP("127.0.0.1"));
    assert.ok(certificate.checkIP("::1"));
    assert.equal(certificate.ca, false);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000;
    assert.equal(days, 825);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  });

  test("a client that trusts it accepts the server", async () => {
    const cert = readFileSync(files.tlsCertificate);
    const server = createServer({ cert, key: readFileSync(files.tlsPrivateKey) }, (socket) => socket.end());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", ca: cert });
    await once(socket, "secureConnect");
    assert.equal(socket.authorized, true);
    socket.destroy();
    server.close();
  });

  test("serial numbers are positive, and each is another", () => {
    const privateKey = createTlsPrivateKey();
    const serials = Array.from({ length: 50 }, () => createSelfSignedCertificate(privateKey, ["a.example"], 0));
    const numbers = serials.map((pem) => new X509Certificate(pem).serialNumber);
    assert.equal(new Set(numbers).size, numbers.length);
    for (const number of numbers) assert.match(number, /^[4-7][0-9A-F]{31}$/);
  });
});

test("fingerprints are those that ssh-keygen prints", { skip: programOrSkip("ssh-keygen") }, async () => {
  const expected = Object.values(files.hostKeys).map((file) => mustRun("ssh-keygen", ["-l", "-f", file]));
  const shown = (await Promise.all(expected)).map((line) => line.replace(/^\d+ (\S+) .*(\(\w+\))\n$/, "$1 $2"));
  assert.deepEqual(await hostKeyFingerprints(data), shown);
});
